import { createPrivateKey } from "node:crypto";
import { readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { signGitlabToken } from "../../src/operations/keys/gitlab-token.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { authBlock, keys, pairOnDisk } from "../support/keys-on-disk.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { startServe } from "../support/serve-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import {
  OTHER_CERTIFICATE,
  SIGNING_CERTIFICATE,
  SIGNING_FACTS,
  SIGNING_KEY,
} from "../support/signing-pair.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SECOND_PAIR = ["--key", "new.key", "--certificate", "new.crt"];

async function openssl(cwd: string, ...args: string[]): Promise<string> {
  return (await execa(programPath("openssl"), args, { cwd })).stdout;
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
