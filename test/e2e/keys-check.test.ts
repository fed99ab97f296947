import { createPublicKey } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { authBlock, keys, pairOnDisk } from "../support/keys-on-disk.ts";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { writeServeConfig } from "../support/serve-process.ts";
import {
  OTHER_CERTIFICATE,
  SIGNING_CERTIFICATE,
  SIGNING_FACTS,
  SIGNING_KEY,
} from "../support/signing-pair.ts";

describe("keys check", () => {
  it("proves that a pair fits, and says where its halves belong", async () => {
    const { folder, configPath } = await pairOnDisk();
    const { exitCode, stdout, stderr } = await keys(folder, "check", configPath, "--key", "a.key");
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(
      /key, certificates and issuer fit together: a token that GitLab signs is accepted$/,
    );
    expect(stdout).toContain("certificate: O=GitLab, OU=Container, CN=Registry (of this key)");
    expect(stdout).toContain(`registry['internal_key'] = File.read('${join(folder, "a.key")}')`);
    expect(stdout).toContain("gitlab_rails['registry_issuer'] = 'omnibus-gitlab-issuer'");
    expect(stdout).toContain(`--from-file=registry-auth.crt=${join(folder, "a.crt")}`);
    expect(stdout).not.toContain("warning:");
  });

  it("prints one JSON document", async () => {
    const { folder, configPath } = await pairOnDisk(OTHER_CERTIFICATE);
    const { exitCode, stdout } = await keys(folder, "check", "--json", configPath, "--key", "a.key");
    expect(exitCode).toBe(4);
    const description = {
      algorithm: expect.any(String),
      libtrustFingerprint: expect.any(String),
      jwkThumbprint: expect.any(String),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    };
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      command: "keys check",
      config: configPath,
      fits: false,
      problems: [expect.stringContaining("has no certificate for")],
      warnings: [],
      key: { file: join(folder, "a.key"), ...description },
      bundle: {
        file: join(folder, "a.crt"),
        certificates: [
          {
            subject: "CN=one",
            issuer: "CN=one",
            selfSigned: true,
            serial: "07",
            validFrom: "2026-11-21T11:07:49.000Z",
            validTo: "2126-10-28T11:07:49.000Z",
            daysLeft: expect.any(Number),
            sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
            key: description,
            ofKey: false,
          },
        ],
      },
      issuer: "omnibus-gitlab-issuer",
      service: "container_registry",
    });
  });

  it("says why the registry would refuse GitLab's tokens", async () => {
    const { folder } = await pairOnDisk();
    const configPath = await writeServeConfig({
      rootDirectory: join(folder, "store"),
      port: 5000,
      moreConfig: `${authBlock(join(folder, "a.crt"))}    signingalgorithms: [ES256]\n`,
    });
    const { exitCode, stdout } = await keys(folder, "check", configPath, "--key", "a.key");
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/problem: a token that GitLab signs with .*a\.key is refused: .*algorithm/);
  });

  it("takes key and issuer from GitLab's own configuration, and the config of a registry on any storage", async () => {
    const { folder } = await pairOnDisk();
    const gitlabYml = join(folder, "gitlab.yml");
    await writeFile(
      gitlabYml,
      `production:\n  registry:\n    enabled: true\n    key: ${join(folder, "a.key")}\n    issuer: gitlab-issuer\n`,
    );
    const configPath = join(folder, "config.yml");
    const check = async (issuer: string) => {
      await writeFile(
        configPath,
        `version: 0.1\nstorage:\n  gcs:\n    bucket: b\n${authBlock(join(folder, "a.crt"), issuer)}`,
      );
      return keys(folder, "check", configPath, "--gitlab-yml", "gitlab.yml");
    };
    expect(await check("gitlab-issuer")).toMatchObject({ exitCode: 0 });
    const differs = await check("omnibus-gitlab-issuer");
    expect(differs.exitCode).toBe(4);
    expect(differs.stdout).toContain(
      'GitLab signs as issuer "gitlab-issuer", and the registry accepts "omnibus-gitlab-issuer"',
    );
  });

  it("has nothing to say against a host as GitLab's packages leave it, where all may read the key in a folder that they may not enter", async () => {
    const host = makeOmnibusHost({ tokenCertificate: SIGNING_CERTIFICATE });
    onTestFinished(() => host.remove());
    const etc = join(host.root, "var/opt/gitlab/gitlab-rails/etc");
    await mkdir(etc, { mode: 0o700 });
    await writeFile(join(etc, "gitlab-registry.key"), SIGNING_KEY, { mode: 0o644 });
    await writeFile(
      join(etc, "gitlab.yml"),
      `production: &base\n  registry:\n    enabled: true\n    key: ${join(etc, "gitlab-registry.key")}\n    issuer: omnibus-gitlab-issuer\n`,
    );
    const run = await keys(
      host.root,
      "check",
      host.configFile,
      "--gitlab-yml",
      join(etc, "gitlab.yml"),
      "--json",
    );
    expect(run.exitCode, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ fits: true, problems: [], warnings: [] });
  });

  it("takes a key set in the place of a bundle", async () => {
    const { folder } = await pairOnDisk();
    const configPath = await writeServeConfig({
      rootDirectory: join(folder, "store"),
      port: 5000,
      moreConfig: authBlock("").replace(/ +rootcertbundle.*/, `    jwks: ${join(folder, "jwks.json")}`),
    });
    const checkWith = async (pem: string) => {
      const key = createPublicKey(pem).export({ format: "jwk" });
      const kid = SIGNING_FACTS.libtrustFingerprint.slice(0, 4);
      await writeFile(join(folder, "jwks.json"), JSON.stringify({ keys: [{ ...key, kid }] }));
      return keys(folder, "check", configPath, "--key", "a.key");
    };
    expect(await checkWith(SIGNING_CERTIFICATE)).toMatchObject({ exitCode: 0 });
    expect(await checkWith(OTHER_CERTIFICATE)).toMatchObject({
      exitCode: 4,
      stdout: expect.stringContaining("signed by a key that is not trusted"),
    });
  });

  it("takes the place of a bundle from the environment, as for a container", async () => {
    const { folder, configPath } = await pairOnDisk(OTHER_CERTIFICATE);
    await writeFile(join(folder, "right.crt"), SIGNING_CERTIFICATE);
    const env = { REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE: "right.crt" };
    const result = await runRegistryCtl(["keys", "check", configPath, "--key", "a.key"], {
      cwd: folder,
      env,
    });
    expect(result.exitCode, result.stdout).toBe(0);
  });

  it("needs a key and a registry that asks for tokens", async () => {
    const { folder, configPath } = await pairOnDisk();
    expect(await keys(folder, "check", configPath)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("no private key is named"),
    });
    expect((await keys(folder, "check", configPath, "--key", "none")).exitCode).toBe(1);
    const open = await writeServeConfig({ rootDirectory: join(folder, "store"), port: 5000 });
    expect(await keys(folder, "check", open, "--key", "a.key")).toMatchObject({
      exitCode: 10,
      stderr: expect.stringContaining("has no auth.token"),
    });
    expect((await keys(folder, "check", "none.yml", "--key", "a.key")).exitCode).toBe(10);
  });
});
