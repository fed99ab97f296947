import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { gitlabPackageOf } from "../../../../src/config/gitlab-package.ts";
import { gitlabReadOnlyBlock } from "../../../../src/operations/readonly/gitlab-block.ts";
import { changeReadOnly, saysReadOnly } from "../../../../src/operations/readonly/read-only-key.ts";

const RENDERED = `version: 0.1
storage: {"s3":{"bucket":"o'neill","secretkey":"very secret","pathstyle":true,"chunksize":5242880},"cache":{"blobdescriptor":"inmemory"},"delete":{"enabled":true}}
`;

describe("gitlabReadOnlyBlock", () => {
  it("repeats the storage, without what the package adds and without secrets", () => {
    expect(gitlabReadOnlyBlock(RENDERED, "config.yml", true).join("\n")).toBe(`registry['storage'] = {
  's3' => {
    'bucket' => 'o\\'neill',
    'secretkey' => '***',
    'pathstyle' => true,
    'chunksize' => 5242880
  },
  'maintenance' => {
    'readonly' => {
      'enabled' => true
    }
  }
}`);
  });

  it("shows no password of a URL", () => {
    const text = "storage: {s3: {bucket: b, regionendpoint: 'http://me:hunter2@store:9000'}}\n";
    const block = gitlabReadOnlyBlock(text, "config.yml", true).join("\n");
    expect(block).toContain("'regionendpoint' => 'http://***@store:9000'");
  });

  it("keeps what else stands below maintenance", () => {
    const text = `storage:\n  filesystem: {}\n  maintenance:\n    uploadpurging: {enabled: false}\n    readonly: {enabled: true}\n`;
    const block = gitlabReadOnlyBlock(text, "config.yml", false).join("\n");
    expect(block).toContain("'uploadpurging' => {\n      'enabled' => false\n    }");
    expect(block).toContain("'readonly' => {\n      'enabled' => false\n    }");
  });
});

describe("gitlabPackageOf", () => {
  function host(...files: string[]): string {
    const root = mkdtempSync(join(tmpdir(), "registry-ctl-gitlab-"));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    for (const file of files) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), "");
    }
    return root;
  }

  it("knows the file that the package writes, by its place", () => {
    const root = host("var/opt/gitlab/registry/config.yml", "etc/gitlab/gitlab.rb");
    const found = gitlabPackageOf(join(root, "var/opt/gitlab/registry/config.yml"));
    expect(found).toEqual({ gitlabRb: join(root, "etc/gitlab/gitlab.rb") });
  });

  it.each([
    ["a file of another name", "var/opt/gitlab/registry/other.yml", ["etc/gitlab/gitlab.rb"]],
    ["such a file on a host without the package", "var/opt/gitlab/registry/config.yml", []],
  ])("does not take %s for one", (_, file, more) => {
    const root = host(file, ...more);
    expect(gitlabPackageOf(join(root, file))).toBeUndefined();
  });
});

describe("changeReadOnly", () => {
  it.each([
    [
      "storage:\n  filesystem: {}\n",
      true,
      "storage:\n  filesystem: {}\n  maintenance:\n    readonly:\n      enabled: true\n",
    ],
    ["storage:\n  filesystem: {}\n", false, "storage:\n  filesystem: {}\n"],
    [
      "storage:\n  filesystem: {}\n  maintenance: {readonly: {enabled: true}} # for now\n",
      false,
      "storage:\n  filesystem: {}\n  maintenance: {readonly: {enabled: false}} # for now\n",
    ],
  ])("%j to %s", (text, readOnly, after) => {
    const change = changeReadOnly(text, "config.yml", readOnly);
    expect(change).toEqual({ before: text, after, wasReadOnly: saysReadOnly(text, "config.yml") });
    expect(saysReadOnly(after, "config.yml")).toBe(readOnly);
  });
});
