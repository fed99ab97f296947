import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readGitlabYml } from "../../../../src/operations/keys/gitlab-yml.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-gitlab-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(text: string) {
  const path = join(folder, "gitlab.yml");
  await writeFile(path, text);
  return readGitlabYml(path);
}

describe("readGitlabYml", () => {
  it("reads what GitLab's packages render", async () => {
    const text = `# This file is managed by gitlab-ctl.
production: &base
  gitlab:
    host: gitlab.example.com
  ## Container Registry
  registry:
    enabled: true
    host: registry.example.com
    port:
    api_url: http://127.0.0.1:5000 # internal address to the registry
    path: /var/opt/gitlab/gitlab-rails/shared/registry
    key: /var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key
    issuer: omnibus-gitlab-issuer
    notification_secret:
development:
  <<: *base
`;
    expect(await read(text)).toEqual({
      enabled: true,
      keyFile: "/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key",
      issuer: "omnibus-gitlab-issuer",
    });
  });

  it("takes a relative path from where GitLab runs, and empty values for none", async () => {
    expect(await read("production:\n  registry:\n    key: config/registry.key\n    issuer:\n")).toEqual({
      enabled: false,
      keyFile: join(dirname(folder), "config/registry.key"),
      issuer: undefined,
    });
  });

  it.each([["production: {}"], ["a: ["], [""], ["version: 0.1\nregistry: {}"]])(
    "refuses what is no gitlab.yml: %s",
    async (text) => {
      await expect(read(text)).rejects.toThrow("has no section production.registry");
    },
  );

  it("says that there is no such file", () => {
    expect(() => readGitlabYml(join(folder, "none"))).toThrow("cannot be read: there is no such file");
  });
});
