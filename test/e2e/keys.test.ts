import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { signGitlabToken } from "../../src/operations/keys/gitlab-token.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe, writeServeConfig } from "../support/serve-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import {
  OTHER_CERTIFICATE,
  SIGNING_CERTIFICATE,
  SIGNING_FACTS,
  SIGNING_KEY,
} from "../support/signing-pair.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SECOND_PAIR = ["--key", "new.key", "--certificate", "new.crt"];

async function keys(cwd: string, ...args: string[]): Promise<ProgramResult> {
  return runRegistryCtl(["keys", ...args], { cwd });
}

async function openssl(cwd: string, ...args: string[]): Promise<string> {
  return (await execa(programPath("openssl"), args, { cwd })).stdout;
}

function authBlock(bundle: string, issuer = "omnibus-gitlab-issuer"): string {
  return `auth:
  token:
    realm: https://gitlab.example.com/jwt/auth
    service: container_registry
    issuer: ${issuer}
    rootcertbundle: ${bundle}
`;
}

/** Files as they are on a host with a registry, and its config. */
async function pairOnDisk(bundle = SIGNING_CERTIFICATE): Promise<{ folder: string; configPath: string }> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "a.key"), SIGNING_KEY, { mode: 0o600 });
  await writeFile(join(folder, "a.crt"), bundle);
  const configPath = await writeServeConfig({
    rootDirectory: join(folder, "store"),
    port: 5000,
    moreConfig: authBlock(join(folder, "a.crt")),
  });
  return { folder, configPath };
}

/** @returns the status of a request with a token that GitLab would sign with this key */
async function statusWith(server: ServerProcess, keyPath: string): Promise<number> {
  const token = await signGitlabToken(createPrivateKey(await readFile(keyPath)), {
    issuer: "omnibus-gitlab-issuer",
    audience: "container_registry",
    access: [{ type: "registry", name: "catalog", actions: ["*"] }],
    nowMs: Date.now(),
  });
  const headers = { Authorization: `Bearer ${token}` };
  return (await fetch(`${server.url}/v2/_catalog`, { headers })).status;
}

describeWithPrograms(["openssl"], "keys generate, as openssl sees it", () => {
  it("makes an RSA key and a certificate of it that is valid for ten years", async () => {
    const folder = await temporaryFolder();
    const { exitCode, stdout, stderr } = await keys(folder, "generate");
    expect(exitCode, stderr).toBe(0);

    const key = await readFile(join(folder, "gitlab-registry.key"), "utf8");
    expect(key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
    expect(await openssl(folder, "rsa", "-in", "gitlab-registry.key", "-check", "-noout")).toContain("ok");
    expect((await stat(join(folder, "gitlab-registry.key"))).mode & 0o777).toBe(0o600);
    expect(`${stdout}${stderr}`).not.toContain(key.split("\n")[3]);

    const text = await openssl(folder, "x509", "-in", "gitlab-registry.crt", "-noout", "-text");
    expect(text).toContain("Version: 3 (0x2)");
    expect(text).toContain("Signature Algorithm: sha256WithRSAEncryption");
    expect(text).toContain("Public-Key: (4096 bit)");
    expect(text).toMatch(/Subject: O ?= ?GitLab, OU ?= ?Container, CN ?= ?Registry/);
    expect(text).not.toContain("(Negative)");
    expect(
      await openssl(folder, "verify", "-CAfile", "gitlab-registry.crt", "gitlab-registry.crt"),
    ).toContain("OK");
    const day = 24 * 3600;
    const lasts = ["x509", "-in", "gitlab-registry.crt", "-noout", "-checkend"];
    await openssl(folder, ...lasts, String(3650 * day - 600));
    await expect(openssl(folder, ...lasts, String(3650 * day + 1))).rejects.toThrow();
    expect(await openssl(folder, "x509", "-in", "gitlab-registry.crt", "-noout", "-modulus")).toBe(
      await openssl(folder, "rsa", "-in", "gitlab-registry.key", "-noout", "-modulus"),
    );

    const shown = await keys(folder, "show", "--json", "gitlab-registry.crt", "gitlab-registry.key");
    const [certificate, privateKey] = JSON.parse(shown.stdout).files.map(
      ({ items: [item] }: { items: unknown[] }) => item,
    );
    const fingerprint = await openssl(
      folder,
      "x509",
      "-in",
      "gitlab-registry.crt",
      "-noout",
      "-fingerprint",
      "-sha256",
    );
    expect(fingerprint.replace(/.*=/, "").replaceAll(":", "").toLowerCase()).toBe(certificate.sha256);
    expect(await openssl(folder, "x509", "-in", "gitlab-registry.crt", "-noout", "-serial")).toBe(
      `serial=${certificate.serial}`,
    );
    expect(privateKey.key).toEqual(certificate.key);
    expect(shown.stdout).not.toContain(key.split("\n")[3]);
  });

  it("takes a name and a time for the certificate", async () => {
    const folder = await temporaryFolder();
    await keys(folder, "generate", "--issuer", 'gitlab, O="issuer', "--days", "36500");
    const text = await openssl(
      folder,
      "x509",
      "-in",
      "gitlab-registry.crt",
      "-noout",
      "-subject",
      "-enddate",
    );
    expect(text).toContain(String.raw`CN = "gitlab, O=\"issuer"`);
    expect(text).toContain(`${new Date(Date.now() + 36_500 * 86_400_000).getUTCFullYear()} GMT`);
  });
});

describe("keys generate", () => {
  it("says with --dry-run what it would write, and writes nothing", async () => {
    const folder = await temporaryFolder();
    const { exitCode, stdout } = await keys(folder, "generate", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`would write ${join(folder, "gitlab-registry.key")}: the private key`);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([["--dry-run"], ["--no-input"]])("leaves a pair that is there (%s)", async (flag) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "gitlab-registry.key"), "old");
    const { exitCode, stderr } = await keys(folder, "generate", flag);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("gitlab-registry.key is there already");
    expect(stderr).toContain("--force");
    expect(await readdir(folder)).toEqual(["gitlab-registry.key"]);
    expect(await readFile(join(folder, "gitlab-registry.key"), "utf8")).toBe("old");
  });

  it("replaces it with --force, and keeps the old one", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "gitlab-registry.key"), "old");
    const { exitCode, stdout, stderr } = await keys(folder, "generate", "--force", "--json");
    expect(exitCode, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      schemaVersion: 1,
      command: "keys generate",
      dryRun: false,
      keyFile: join(folder, "gitlab-registry.key"),
      certificateFile: join(folder, "gitlab-registry.crt"),
      backups: [expect.stringMatching(/gitlab-registry\.key\.\d{8}T\d{6}Z\.bak$/)],
      certificate: { selfSigned: true, daysLeft: expect.any(Number), key: { algorithm: "RSA 4096" } },
    });
    expect(await readFile(report.backups[0], "utf8")).toBe("old");
    expect(await readdir(folder)).toHaveLength(3);
  });

  it("writes through no link, and into nothing that is missing", async () => {
    const folder = await temporaryFolder();
    await symlink("elsewhere.key", join(folder, "gitlab-registry.key"));
    expect((await keys(folder, "generate", "--force")).exitCode).toBe(2);
    expect(await readdir(folder)).toEqual(["gitlab-registry.key"]);
    const { exitCode, stderr } = await keys(folder, "generate", "--key", "none/a.key");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("ENOENT");
    expect(await readdir(folder)).toEqual(["gitlab-registry.key"]);
  });

  it.each([
    [["--days", "0"]],
    [["--days", "ten"]],
    [["--issuer", ""]],
    [["--issuer", "x".repeat(65)]],
    [["--key", ""]],
    [["--key", "a", "--certificate", "./a"]],
    [["--read-only-store"]],
  ])("refuses %j", async (args) => {
    const folder = await temporaryFolder();
    expect((await keys(folder, "generate", ...args)).exitCode).toBe(2);
    expect(await readdir(folder)).toEqual([]);
  });

  it("adds to nothing but a sound bundle", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "bundle"), SIGNING_CERTIFICATE.slice(0, 500));
    const { exitCode, stderr } = await keys(folder, "generate", "--add-to", "bundle");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("bundle: line 1: block 1 (CERTIFICATE) does not end");
    expect((await keys(folder, "generate", "--add-to", "none")).exitCode).toBe(1);
    expect(await readdir(folder)).toEqual(["bundle"]);
  });
});

describeWithPrograms(["docker-registry"], "a change of keys", () => {
  it("is no interruption: both registries take tokens of both keys from the bundle that --add-to makes", async () => {
    const folder = await temporaryFolder();
    expect((await keys(folder, "generate")).exitCode).toBe(0);
    // As it often is after copying from a terminal.
    const bundle = join(folder, "gitlab-registry.crt");
    await writeFile(bundle, (await readFile(bundle, "utf8")).trimEnd());
    const changed = await keys(folder, "generate", ...SECOND_PAIR, "--add-to", bundle);
    expect(changed.exitCode, changed.stderr).toBe(0);
    expect(changed.stdout).toContain(`added the certificate to ${bundle}, which then has 2`);
    await writeFile(join(folder, "stranger.key"), SIGNING_KEY);

    for (const start of [startGoRegistry, startServe]) {
      const server = await start({
        rootDirectory: join(folder, `store-${start.name}`),
        moreConfig: authBlock(bundle),
      });
      try {
        expect(await statusWith(server, join(folder, "gitlab-registry.key")), start.name).toBe(200);
        expect(await statusWith(server, join(folder, "new.key")), start.name).toBe(200);
        expect(await statusWith(server, join(folder, "stranger.key")), start.name).toBe(401);
      } finally {
        await server.stop();
      }
    }
  });
});

describe("keys show", () => {
  it("tells what is in files, and nothing that is secret", async () => {
    const { folder } = await pairOnDisk(OTHER_CERTIFICATE + SIGNING_CERTIFICATE);
    const { exitCode, stdout, stderr } = await keys(folder, "show", "a.crt", "a.key");
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("a.crt:\n  certificate: CN=one\n    issued by: itself\n    serial:    07\n");
    expect(stdout).toContain("valid:     2026-11-21 to 2126-10-28, ");
    expect(stdout).toContain(`sha256:    ${SIGNING_FACTS.certificateSha256}`);
    expect(stdout).toContain(
      `a.key:\n  private key\n    key:       RSA 2048, sha256 ${SIGNING_FACTS.keySha256}`,
    );
    expect(stdout).toContain(`${SIGNING_FACTS.libtrustFingerprint} (libtrust, as in GitLab's tokens)`);
    expect(stdout).toContain(`${SIGNING_FACTS.jwkThumbprint} (RFC 7638)`);
    expect(stdout).not.toContain(SIGNING_KEY.split("\n")[3]);
  });

  it("says which file it cannot read", async () => {
    const { folder } = await pairOnDisk();
    await writeFile(join(folder, "text"), "hello");
    expect(await keys(folder, "show", "none")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("none cannot be read: there is no such file"),
    });
    expect(await keys(folder, "show", "text")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("text: there is nothing in PEM form in it"),
    });
    expect((await keys(folder, "show")).exitCode).toBe(2);
  });
});

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
