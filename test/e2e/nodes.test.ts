import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { RegistryHttp } from "../support/registry-http.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import {
  REGISTRY_CTL_PATH,
  type ServeProcess,
  startServe,
  writeServeConfig,
} from "../support/serve-process.ts";
import { startServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const PATIENT = { timeout: 60_000, interval: 250 };

interface Place {
  rootDirectory: string;
  lockfiles: string;
}

async function newPlace(): Promise<Place> {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const lockfiles = join(rootDirectory, "docker/registry/lockfiles");
  await mkdir(lockfiles, { recursive: true });
  return { rootDirectory, lockfiles };
}

/** The files of servers, by their content. */
async function nodesIn({ lockfiles }: Place): Promise<Record<string, unknown>[]> {
  const folder = join(lockfiles, "registry-ctl.nodes");
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8"))));
}

async function serveAt({ rootDirectory }: Place): Promise<ServeProcess> {
  const server = await startServe({ rootDirectory });
  onTestFinished(async () => void (await server.stop()));
  return server;
}

async function startUpload({ url }: ServeProcess): Promise<number> {
  return (await fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST" })).status;
}

describe("a server on a shared store", () => {
  it("has a file there as long as it runs, whatever number of workers it has", async () => {
    const place = await newPlace();
    const server = await serveAt(place);
    expect(await nodesIn(place)).toMatchObject([
      {
        host: hostname(),
        pid: server.pid,
        address: expect.stringContaining(server.address),
        readOnly: false,
      },
    ]);
    await server.stop();
    expect(await nodesIn(place)).toEqual([]);
  });

  it("leaves a file when it is killed, which the next one removes", async () => {
    const place = await newPlace();
    const first = await serveAt(place);
    await first.kill();
    const [left] = await nodesIn(place);
    expect(left).toMatchObject({ pid: first.pid });
    const second = await serveAt(place);
    expect((await nodesIn(place)).map(({ pid }) => pid)).toEqual([second.pid]);
  });

  it("refuses writes when all servers are asked to, acknowledges it, and takes them again", async () => {
    const place = await newPlace();
    const server = await serveAt(place);
    const client = new RegistryHttp(server.url);
    onTestFinished(() => client.close());
    const image = await client.pushImage("a", "v1", [Buffer.alloc(10)]);
    const request = { schemaVersion: 1, id: "r", reason: "a test", by: "", drainMs: 0 };
    const path = join(place.lockfiles, "registry-ctl.read-only");
    await writeFile(path, JSON.stringify({ ...request, requestedAt: new Date().toISOString() }));

    await vi.waitFor(
      async () => expect(await nodesIn(place)).toMatchObject([{ acknowledged: "r", readOnly: true }]),
      PATIENT,
    );
    expect(await startUpload(server)).toBe(405);
    await client.expectComplete(image);

    await rm(path);
    await vi.waitFor(async () => expect(await startUpload(server)).toBe(202), PATIENT);
  });

  it("takes no writes from its start on while another host works on the store", async () => {
    const place = await newPlace();
    const lock = join(place.lockfiles, "registry-ctl.lock");
    const leaseUntil = new Date(Date.now() + 600_000).toISOString();
    const holder = { token: "t", host: "elsewhere", bootId: "b", pidNamespace: "", pid: 1 };
    await writeFile(lock, JSON.stringify({ ...holder, startedAt: leaseUntil, leaseUntil }));
    const server = await serveAt(place);
    expect(await startUpload(server)).toBe(405);
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
    await rm(lock);
    await vi.waitFor(async () => expect(await startUpload(server)).toBe(202), PATIENT);
  });

  it("does not write there with --read-only-store", async () => {
    const place = await newPlace();
    const port = await findFreePort();
    const config = await writeServeConfig({ rootDirectory: place.rootDirectory, port });
    const state = `${place.rootDirectory}.state`;
    const server = await startServerProcess(
      [process.execPath, REGISTRY_CTL_PATH, "serve", "--read-only-store", "--state-dir", state, config],
      { port, env: { XDG_RUNTIME_DIR: state } },
    );
    onTestFinished(async () => void (await server.stop()));
    expect(await readdir(place.lockfiles)).toEqual([]);
  });
});

describe("a collection on a shared store", () => {
  it("is refused while a server of another host takes writes, which a dry run says too", async () => {
    const place = await newPlace();
    const port = await findFreePort();
    const config = await writeServeConfig({ rootDirectory: place.rootDirectory, port });
    const folder = join(place.lockfiles, "registry-ctl.nodes");
    await mkdir(folder);
    const node = { schemaVersion: 1, id: "n", host: "elsewhere", bootId: "b", pidNamespace: "", pid: 7 };
    const more = { address: "elsewhere:5000", version: "1", startedAt: new Date().toISOString() };
    const write = (readOnly: boolean) =>
      writeFile(join(folder, "n.json"), JSON.stringify({ ...node, ...more, readOnly }));
    await mkdir(join(place.rootDirectory, "docker/registry/v2/repositories"), { recursive: true });
    const collect = (...args: string[]) =>
      runRegistryCtl(["garbage-collect", ...args, "--state-dir", `${place.rootDirectory}.state`, config]);
    const problem = "a server takes writes to this store: process 7 on elsewhere at elsewhere:5000";

    await write(false);
    expect(await collect()).toMatchObject({
      exitCode: 12,
      stderr: expect.stringContaining(`error: ${problem}`),
    });
    expect(await collect("--dry-run")).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(`warning: a real run would refuse: ${problem}`),
    });
    await write(true);
    expect(await collect()).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining("elsewhere") });
  });
});

/** @returns the processes that carry out `readonly nodes` for a store */
async function runsOfNodes(verb: string, { rootDirectory }: Place): Promise<string[]> {
  const { stdout } = await execa("ps", ["-eww", "-o", "pid=,args="]);
  return stdout
    .split("\n")
    .filter((line) => line.includes(` readonly nodes ${verb}`) && line.includes(rootDirectory));
}

/** A server of another host, as far as its file tells: it obeys what all are asked for. */
async function obeyElsewhere(place: Place): Promise<void> {
  const folder = join(place.lockfiles, "registry-ctl.nodes");
  await mkdir(folder, { recursive: true });
  const node = { schemaVersion: 1, id: "n", host: "elsewhere", bootId: "b", pidNamespace: "", pid: 7 };
  const more = { address: "elsewhere:5000", version: "1", startedAt: new Date().toISOString() };
  const obey = async (): Promise<void> => {
    const text = await readFile(join(place.lockfiles, "registry-ctl.read-only"), "utf8").catch(() => "{}");
    const { id } = JSON.parse(text);
    const record = { ...node, ...more, readOnly: id !== undefined, acknowledged: id };
    await writeFile(join(folder, "n.tmp"), JSON.stringify(record));
    await rename(join(folder, "n.tmp"), join(folder, "n.json"));
  };
  await obey();
  const timer = setInterval(() => void obey().catch(() => {}), 100);
  onTestFinished(() => clearInterval(timer));
}

/** A server with an image, and another one on its store that does what the store asks for. */
async function servedBesideAnother(): Promise<{ place: Place; server: ServeProcess }> {
  const place = await newPlace();
  const server = await serveAt(place);
  const client = new RegistryHttp(server.url);
  onTestFinished(() => client.close());
  await client.pushImage("a", "v1", [Buffer.alloc(10)]);
  await obeyElsewhere(place);
  return { place, server };
}

describe("a collection with --mode read-only on a shared store", () => {
  it("makes all servers read-only, and all of them take writes again afterwards", async () => {
    const { place, server } = await servedBesideAnother();
    const state = ["--state-dir", `${place.rootDirectory}.state`];
    const collect = ["garbage-collect", "--mode", "read-only", ...state, server.configPath];

    const result = await runRegistryCtl(collect);

    expect(result.exitCode, result.stderr).toBe(0);
    expect(await readdir(place.lockfiles)).toEqual(["registry-ctl.nodes"]);
    await vi.waitFor(async () => expect(await startUpload(server)).toBe(202), PATIENT);
  });

  it.each([
    ["garbage-collect", "--mode", "read-only"],
    ["readonly", "on"],
  ])("asks for nothing any more when %s is stopped while it asks", async (...command) => {
    const { place, server } = await servedBesideAnother();
    const args = [...command, "--state-dir", `${place.rootDirectory}.state`, server.configPath];
    const child = execa(process.execPath, [REGISTRY_CTL_PATH, ...args], {
      ...{ reject: false, forceKillAfterDelay: false, extendEnv: false },
      stdin: "ignore",
      env: cleanEnvironment(),
    });
    // It looks for other servers first, and then asks them, each in a process of its own.
    await vi.waitFor(async () => expect(await runsOfNodes("ask", place)).not.toEqual([]), {
      ...{ timeout: 60_000, interval: 10 },
    });

    child.kill("SIGTERM");

    expect((await child).exitCode).toBe(143);
    await vi.waitFor(async () => expect(await runsOfNodes("ask", place)).toEqual([]), PATIENT);
    expect(await readdir(place.lockfiles)).toEqual(["registry-ctl.nodes"]);
    await vi.waitFor(async () => expect(await startUpload(server)).toBe(202), PATIENT);
  });

  it("leaves servers read-only that were so before", async () => {
    const { place, server } = await servedBesideAnother();
    const state = ["--state-dir", `${place.rootDirectory}.state`];
    const run = async (...args: string[]): Promise<void> => {
      const { exitCode, stderr } = await runRegistryCtl([...args, ...state, server.configPath]);
      expect(exitCode, stderr).toBe(0);
    };

    await run("readonly", "on");
    const request = await readFile(join(place.lockfiles, "registry-ctl.read-only"), "utf8");
    await run("garbage-collect", "--mode", "read-only");

    expect(await startUpload(server)).toBe(405);
    expect(await readFile(join(place.lockfiles, "registry-ctl.read-only"), "utf8")).toBe(request);
    await run("readonly", "off");
    await vi.waitFor(async () => expect(await startUpload(server)).toBe(202), PATIENT);
  });
});

describeWithPrograms(["docker-registry"], "the Go registry beside files of servers", () => {
  it("serves and collects, and leaves them alone", async () => {
    const place = await newPlace();
    const server = await serveAt(place);
    const client = new RegistryHttp(server.url);
    const image = await client.pushImage("a", "v1", [Buffer.alloc(10, 1)]);
    await client.pushImage("a", "v1", [Buffer.alloc(10, 2)]);
    client.close();
    await server.kill();
    const before = await nodesIn(place);
    expect(before).toHaveLength(1);
    const config = server.configPath;
    await execa(programPath("docker-registry"), ["garbage-collect", "-m", config]);
    const go = await startGoRegistry({ rootDirectory: place.rootDirectory });
    onTestFinished(async () => void (await go.stop()));
    expect((await fetch(`${go.url}/v2/_catalog`)).status).toBe(200);
    expect((await fetch(`${go.url}/v2/a/manifests/${image.manifestDigest}`)).status).toBe(404);
    expect(await nodesIn(place)).toEqual(before);
  });
});
