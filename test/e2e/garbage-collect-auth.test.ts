import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe, writeServeConfig } from "../support/serve-process.ts";
import { OTHER_KEY, SIGNING_CERTIFICATE, SIGNING_KEY } from "../support/signing-pair.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Host {
  folder: string;
  rootDirectory: string;
  moreConfig: string;
}

async function makeHost(): Promise<Host> {
  const folder = await temporaryFolder();
  const rootDirectory = join(folder, "store");
  await mkdir(join(rootDirectory, "docker/registry/v2/repositories"), { recursive: true });
  await writeFile(join(folder, "registry.crt"), SIGNING_CERTIFICATE);
  await writeFile(join(folder, "registry.key"), SIGNING_KEY, { mode: 0o600 });
  await writeFile(join(folder, "other.key"), OTHER_KEY, { mode: 0o600 });
  const moreConfig = `auth:
  token:
    realm: https://gitlab.example.com/jwt/auth
    service: container_registry
    issuer: omnibus-gitlab-issuer
    rootcertbundle: ${join(folder, "registry.crt")}
`;
  return { folder, rootDirectory, moreConfig };
}

function collect({ folder }: Host, configPath: string, ...more: string[]): Promise<ProgramResult> {
  const state = ["--state-dir", join(folder, "state")];
  return runRegistryCtl(["garbage-collect", "--allow-empty", ...state, ...more, configPath], { cwd: folder });
}

describe("garbage-collect beside a registry with auth.token", () => {
  it("proves with a token of its own that the registry is read-only", async () => {
    const host = await makeHost();
    const server = await startServe({ ...host, readOnly: true });
    onTestFinished(() => server.stop().then(() => undefined));

    const without = await collect(host, server.configPath);
    expect([without.exitCode, without.stderr]).toEqual([12, expect.stringMatching(/401.*--key/s)]);

    const withKey = await collect(host, server.configPath, "--key", "registry.key");
    expect(withKey.exitCode, withKey.stderr).toBe(0);
  });

  it("does not go on where the registry takes writes, whatever the key", async () => {
    const host = await makeHost();
    const server = await startServe(host);
    onTestFinished(() => server.stop().then(() => undefined));

    const result = await collect(host, server.configPath, "--key", "registry.key");
    expect([result.exitCode, result.stderr]).toEqual([12, expect.stringContaining("it takes writes")]);
  });

  it.each([
    ["a key that cannot sign tokens", "other.key", 2, "expected RSA"],
    ["a certificate", "registry.crt", 2, "give the private key"],
    ["no file", "missing.key", 1, "there is no such file"],
  ])("refuses %s in the place of the key before it begins", async (_, file, exitCode, message) => {
    const host = await makeHost();
    const configPath = await writeServeConfig({ ...host, port: 5000 });

    const result = await collect(host, configPath, "--key", file);
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
    expect(existsSync(join(host.folder, "state"))).toBe(false);
  });

  it("refuses a key where there is nothing to sign", async () => {
    const host = await makeHost();
    const configPath = await writeServeConfig({ rootDirectory: host.rootDirectory, port: 5000 });

    const result = await collect(host, configPath, "--key", "registry.key");
    expect([result.exitCode, result.stderr]).toEqual([2, expect.stringContaining("no auth.token")]);
  });
});

describeWithPrograms(["docker-registry"], "garbage-collect beside the Go registry with auth.token", () => {
  it("proves with a token of its own that it is read-only", async () => {
    const host = await makeHost();
    const server = await startGoRegistry({ ...host, readOnly: true });
    onTestFinished(() => server.stop().then(() => undefined));

    // Beside the store, as for our own.
    const configPath = `${host.rootDirectory}.config.yml`;
    const without = await collect(host, configPath);
    expect(without.exitCode, without.stderr).toBe(12);
    const withKey = await collect(host, configPath, "--key", "registry.key");
    expect(withKey.exitCode, withKey.stderr).toBe(0);
  });
});
