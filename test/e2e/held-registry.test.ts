import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { type HeldCollection, startHeldCollection } from "../support/held-collection.ts";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { startRegistryService, startService, untilAnswering } from "../support/registry-service.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe } from "../support/serve-process.ts";
import { SIGNING_CERTIFICATE, SIGNING_KEY } from "../support/signing-pair.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Each test runs the program many times. */
interface Held {
  url: string;
  configPath: string;
  original: string;
  collection: HeldCollection;
  run(...args: string[]): Promise<ProgramResult>;
  duties(): string[];
}

interface Registry {
  folder: string;
  url: string;
  configPath: string;
  stateDir: string;
  env?: Record<string, string>;
  options: string[];
}

async function hold(registry: Registry, mode: string): Promise<Held> {
  const { folder, url, configPath, stateDir, options } = registry;
  const env = registry.env ?? {};
  const original = readFileSync(configPath, "utf8");
  const common = ["--state-dir", stateDir];
  const where = ["--ctl-config", join(folder, "ctl.yml"), "-c", configPath];
  await writeGarbage(registry);
  const collection = await startHeldCollection(
    [...common, "garbage-collect", "--allow-empty", "--grace", "0", "--mode", mode, ...options, ...where],
    { cwd: folder, env },
  );
  const duties = () => readdirSync(join(stateDir, "duties"));
  expect(duties()).toHaveLength(1);
  return {
    ...{ url, configPath, original, collection, duties },
    run: (...args) => runRegistryCtl([...common, ...args], { cwd: folder, env }),
  };
}

/** A blob that nobody needs: a collection that is stopped must have something left to do. */
async function writeGarbage({ configPath }: Registry): Promise<void> {
  const text = readFileSync(configPath, "utf8");
  const rootDirectory = /rootdirectory"?: ?"?([^"\n]+)/.exec(text)?.[1] ?? "";
  const hex = "ab".repeat(32);
  const folder = join(rootDirectory, "docker/registry/v2/blobs/sha256/ab", hex);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "data"), "garbage");
  execFileSync("chown", ["-R", "--reference", rootDirectory, join(rootDirectory, "docker")]);
}

/** What a push of a manifest is answered; 0 if nobody answers. */
async function push(url: string): Promise<number> {
  const manifest = { method: "PUT", body: "{}" };
  const response = await fetch(`${url}/v2/some/repository/manifests/latest`, manifest).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.status ?? 0;
}

/** Without a right to push, 401 comes before 405. */
async function expectHeld({ url }: Held, mode: string): Promise<void> {
  if (mode === "offline") expect(await push(url)).toBe(0);
  else expect([401, 405]).toContain(await push(url));
}

async function expectRestored({ url, configPath, original, duties }: Held): Promise<void> {
  await expect.poll(duties, { timeout: 60_000, interval: 100 }).toEqual([]);
  await untilAnswering(url);
  expect(await push(url)).not.toBe(405);
  expect(readFileSync(configPath, "utf8")).toBe(original);
}

/** The processes that watch over a collection. */
function watchdogsOf(configPath: string): number[] {
  const lines = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" }).split("\n");
  const folder = configPath.slice(0, configPath.lastIndexOf("/"));
  return lines
    .filter((line) => line.includes("watchdog.js") && line.includes(folder))
    .map((line) => Number.parseInt(line, 10));
}

async function ours(): Promise<Registry> {
  const folder = await temporaryFolder();
  const rootDirectory = join(folder, "store");
  await mkdir(join(rootDirectory, "docker/registry/v2/repositories"), { recursive: true });
  const env = { XDG_RUNTIME_DIR: join(folder, "run") };
  await mkdir(env.XDG_RUNTIME_DIR, { mode: 0o700 });
  const server = await startServe({ rootDirectory, env });
  const { configPath, url } = server;
  const stateDir = `${rootDirectory}.state`;
  onTestFinished(async () => {
    // It may be another process by now.
    await runRegistryCtl(["--state-dir", stateDir, "stop", "-c", configPath], { cwd: folder, env });
    await server.stop();
  });
  return { folder, url, configPath, stateDir, env, options: [] };
}

async function gos(auth: boolean): Promise<Registry> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "registry.crt"), SIGNING_CERTIFICATE);
  await writeFile(join(folder, "registry.key"), SIGNING_KEY, { mode: 0o600 });
  const moreConfig = `auth:
  token:
    realm: https://gitlab.example.com/jwt/auth
    service: container_registry
    issuer: omnibus-gitlab-issuer
    rootcertbundle: ${join(folder, "registry.crt")}
`;
  const service = await startRegistryService(folder, auth ? { moreConfig } : {});
  const { configPath, url } = service;
  const options = ["--service", service.spec, ...(auth ? ["--key", join(folder, "registry.key")] : [])];
  return { folder, url, configPath, stateDir: join(folder, "state"), options };
}

function describeHeld(mode: string, start: () => Promise<Registry>): void {
  it(`--mode ${mode}: brings the registry back when the command is killed`, async () => {
    const held = await hold(await start(), mode);
    await expectHeld(held, mode);
    expect(await held.collection.signal("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
    await expectRestored(held);
  });

  it(`--mode ${mode}: brings it back at Ctrl-C`, async () => {
    const held = await hold(await start(), mode);
    await expectHeld(held, mode);
    expect(await held.collection.signal("SIGINT")).toMatchObject({ exitCode: 130 });
    expect(held.duties()).toEqual([]);
    await expectRestored(held);
  });

  it(`--mode ${mode}: what a reboot would leave behind is brought back by recover`, async () => {
    const held = await hold(await start(), mode);
    const watchdogs = watchdogsOf(held.configPath);
    expect(watchdogs).toHaveLength(1);
    for (const pid of watchdogs) process.kill(pid, "SIGKILL");
    await held.collection.signal("SIGKILL");
    await expectHeld(held, mode);
    expect(held.duties()).toHaveLength(1);

    const recovered = await held.run("recover");
    expect(recovered.exitCode, recovered.stderr).toBe(0);
    expect(recovered.stdout).toContain("undone: ");
    await expectRestored(held);
  });
}

describe("a collection that holds our server", () => {
  for (const mode of ["read-only", "offline"]) describeHeld(mode, ours);
});

describeWithPrograms(["docker-registry"], "a collection that holds the Go registry under a command", () => {
  for (const mode of ["read-only", "offline"]) describeHeld(mode, () => gos(false));
});

describeWithPrograms(["docker-registry"], "a collection that holds the Go registry with auth.token", () => {
  describeHeld("read-only", () => gos(true));

  it("turns read-only on, collects, and turns it off", async () => {
    const { folder, configPath, stateDir, options } = await gos(true);
    const original = readFileSync(configPath, "utf8");
    const run = (...args: string[]): Promise<ProgramResult> =>
      runRegistryCtl(
        [
          "--state-dir",
          stateDir,
          ...args,
          ...options,
          "--ctl-config",
          join(folder, "ctl.yml"),
          "-c",
          configPath,
        ],
        { cwd: folder },
      );
    for (const args of [
      ["readonly", "on", "--yes"],
      ["garbage-collect", "--allow-empty", "--mode", "read-only"],
      ["readonly", "off", "--yes"],
    ]) {
      const result = await run(...args);
      expect(result.exitCode, result.stderr).toBe(0);
    }
    expect(readFileSync(configPath, "utf8")).toBe(original);
  });
});

const isRoot = process.getuid?.() === 0;

describeWithPrograms(["docker-registry"], "a collection on a host with GitLab's package, as root", () => {
  async function gitlabs(): Promise<Registry> {
    const port = await findFreePort();
    const host = makeOmnibusHost({ addr: `127.0.0.1:${port}`, withoutAuth: true });
    onTestFinished(() => host.remove());
    const repositories = join(host.storageRoot, "docker/registry/v2/repositories");
    await mkdir(repositories, { recursive: true });
    const { configPath, url, spec } = await startService(host.root, host.configFile, port);
    const options = ["--service", spec];
    return { folder: host.root, url, configPath, stateDir: join(host.root, "state"), options };
  }

  // The command becomes the user who owns the store; who brings the registry back stays root.
  it.skipIf(!isRoot)("--mode offline: brings the registry back when the command is killed", async () => {
    const held = await hold(await gitlabs(), "offline");
    await expectHeld(held, "offline");
    expect(await held.collection.signal("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
    await expectRestored(held);
  });

  it.skipIf(!isRoot)("--mode offline: brings it back when all is done", async () => {
    const held = await hold(await gitlabs(), "offline");
    const end = await held.collection.signal("SIGCONT");
    expect(end.exitCode, end.stderr).toBe(0);
    expect(held.duties()).toEqual([]);
    await expectRestored(held);
  });

  it("--mode read-only: touches no file that the package writes", async () => {
    const registry = await gitlabs();
    const original = readFileSync(registry.configPath, "utf8");
    const result = await runRegistryCtl(
      [
        ...["--state-dir", registry.stateDir, "garbage-collect", "--allow-empty", "--mode", "read-only"],
        ...[...registry.options, "--ctl-config", join(registry.folder, "ctl.yml"), "-c", registry.configPath],
      ],
      { cwd: registry.folder },
    );
    expect([result.exitCode, result.stderr]).toEqual([
      12,
      expect.stringContaining("GitLab's package writes"),
    ]);
    expect(readFileSync(registry.configPath, "utf8")).toBe(original);
    expect(await push(registry.url)).not.toBe(405);
  });
});
