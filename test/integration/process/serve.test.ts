import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listProcessTree } from "../../support/process-tree.ts";
import { ChildProcesses, type RunningChild } from "./child-processes.ts";

const PROGRAM = fileURLToPath(new URL("./run-cli.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");
const isRoot = process.getuid?.() === 0;

describe("serve", () => {
  const children = new ChildProcesses();
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-serve-"));
  });

  afterEach(async () => {
    await children.killAll();
    rmSync(folder, { recursive: true, force: true });
  });

  it("serves with no configuration, says where, and what to try", async () => {
    const { url, errors } = await start([], { REGISTRY_HTTP_ADDR: "127.0.0.1:0" });
    expect((await fetch(`${url}v2/`)).status).toBe(200);
    expect(errors()).toContain(join(folder, "registry-data"));
    expect(errors()).toContain(`listening on ${url} with 2 worker processes`);
    expect(errors()).toMatch(/skopeo copy .* docker:\/\/127\.0\.0\.1:\d+\/alpine\n/);
    expect(errors()).not.toContain("warning");
  });

  it("takes an upload in pieces, whichever workers they reach, also when workers are killed between", async () => {
    const { child, url } = await start(["--workers", "2", configFile()]);
    const content = randomBytes(400_000);
    let location = await send("POST", `${url}v2/a/b/blobs/uploads/`, 202);
    for (let at = 0; at < content.length; at += 50_000) {
      location = await send(
        "PATCH",
        location,
        202,
        content.subarray(at, at + 50_000),
        `${at}-${at + 49_999}`,
      );
      if (at === 200_000) for (const pid of await childrenOf(child.pid)) process.kill(pid, "SIGKILL");
    }
    const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    await send("PUT", `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`, 201);
    const stored = await fetch(`${url}v2/a/b/blobs/${digest}`);
    expect(Buffer.from(await stored.arrayBuffer()).equals(content)).toBe(true);
  });

  it("remembers in the state folder, across restarts, what it has told clients", async () => {
    const stateDir = join(folder, "state");
    const { child, ended, url } = await start(["--workers", "1", "--state-dir", stateDir, configFile()]);
    const location = await send("POST", `${url}v2/a/blobs/uploads/`, 202);
    const digest = `sha256:${createHash("sha256").update("x").digest("hex")}`;
    await send(
      "PUT",
      `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`,
      201,
      Buffer.from("x"),
    );
    child.kill("SIGKILL");
    await ended;
    const [store = ""] = readdirSync(stateDir);
    const [leases = ""] = readdirSync(join(stateDir, store, "leases"));
    const written = readFileSync(join(stateDir, store, "leases", leases));
    const prefix = Buffer.from(digest.slice(7, 23), "hex");
    const entry = Buffer.concat([prefix.subarray(0, 4).reverse(), prefix.subarray(4).reverse()]);
    expect(written.includes(entry)).toBe(true);
  });

  it.each(["1", "2"])("ends with 0 on SIGTERM and on Ctrl-C, with %s workers", async (workers) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const { child, ended } = await start(["--workers", workers, configFile()]);
      child.kill(signal);
      expect(await ended).toBe(0);
    }
  });

  it.each(["1", "2"])("ends at once at the second signal, with %s workers", async (workers) => {
    const { child, url, ended } = await start(["--workers", workers, configFile()]);
    const pids = await childrenOf(child.pid);
    await beginUpload(url);
    child.kill("SIGTERM");
    await refuses(url);
    child.kill("SIGTERM");
    expect(await ended).toBe(143);
    for (const pid of pids) while (existsSync(`/proc/${pid}/exe`)) await pause();
  });

  it.each(["1", "2"])("cuts off what goes on beyond http.draintimeout, with %s workers", async (workers) => {
    const { child, url, ended, errors } = await start([
      "--workers",
      workers,
      configFile("127.0.0.1:0", "  draintimeout: 100ms\n"),
    ]);
    await beginUpload(url);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(errors()).toContain("requests were cut off");
  });

  it("writes the access log to stdout and nothing else there", async () => {
    const { child, url, ended, output } = await start(["--workers", "2", configFile()]);
    for (let count = 0; count < 10; count++) await (await fetch(`${url}v2/`)).text();
    child.kill("SIGTERM");
    await ended;
    const lines = output().trimEnd().split("\n");
    expect(lines).toHaveLength(10);
    for (const line of lines) expect(line).toMatch(/^127\.0\.0\.1 - - \[.*\] "GET \/v2\/ HTTP\/1\.1" 200 /);
  });

  it.each(["1", "2"])("says that the port is in use, exit code 1, with %s workers", async (workers) => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const addr = `127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`;
    const { ended, errors } = launch(["--workers", workers, configFile(addr)]);
    expect(await ended).toBe(1);
    expect(errors()).toContain(`error: cannot listen on ${addr}: another program listens there\nhint: `);
    server.close();
  });

  it.each(["1", "2"])(
    "says what is wrong with the certificate, exit code 10, with %s workers",
    async (workers) => {
      writeFileSync(join(folder, "pem"), "nonsense");
      const file = configFile("127.0.0.1:0", `  tls: {certificate: ${folder}/pem, key: ${folder}/pem}\n`);
      const { ended, errors } = launch(["--workers", workers, file]);
      expect(await ended).toBe(10);
      expect(errors()).toMatch(/error: .*http\.tls/);
    },
  );

  it("does not serve a store whose truth is in a metadata database, exit code 12", async () => {
    const locks = join(folder, "data", "docker/registry/lockfiles");
    mkdirSync(locks, { recursive: true });
    writeFileSync(join(locks, "database-in-use"), "");
    const { ended, errors } = launch([configFile()]);
    expect(await ended).toBe(12);
    expect(errors()).toContain("database-in-use");
  });

  it("does not say that it listens where the store cannot be made, exit code 11", async () => {
    writeFileSync(join(folder, "a-file"), "");
    const file = join(folder, "config.yml");
    const storage = `storage: {filesystem: {rootdirectory: ${folder}/a-file/data}}`;
    writeFileSync(file, `version: 0.1\n${storage}\nhttp: {addr: "127.0.0.1:0"}\n`);
    const { ended, errors } = launch([file]);
    expect(await ended).toBe(11);
    expect(errors()).toContain(`error: the store ${folder}/a-file/data cannot be used: ENOTDIR\nhint: `);
    expect(errors()).not.toContain("listening on");
  });

  it("refuses a number of workers that is none, exit code 2", async () => {
    const { ended } = launch(["--workers", "0", configFile()]);
    expect(await ended).toBe(2);
  });

  it("serves a store in memory by one process and says so", async () => {
    const file = join(folder, "config.yml");
    writeFileSync(file, "version: 0.1\nstorage: {inmemory: {}}\nhttp: {addr: '127.0.0.1:0'}\n");
    const { errors } = await start(["--workers", "2", file]);
    expect(errors()).toContain("a store in memory is served by one process");
    expect(errors()).toContain("with 1 process\n");
  });

  it("refuses writes with --read-only-store", async () => {
    const { url } = await start(["--read-only-store", configFile()]);
    expect((await fetch(`${url}v2/a/blobs/uploads/`, { method: "POST" })).status).toBe(405);
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  it("serves without a state folder where none can be made, and says so", async () => {
    writeFileSync(join(folder, "file"), "");
    const { url, errors } = await start([
      "--workers",
      "1",
      "--state-dir",
      join(folder, "file"),
      configFile(),
    ]);
    expect(errors()).toMatch(/^warning: no state folder \(E[A-Z]+: .*give --state-dir$/m);
    expect((await fetch(`${url}v2/`)).status).toBe(200);
  });

  it("warns where everybody can reach it", async () => {
    const { errors } = await start(["--workers", "1", configFile(":0")]);
    expect(errors()).toContain("warning: everybody who can reach this address");
  });

  it.runIf(isRoot)("runs as the owner of the store when root starts it", async () => {
    mkdirSync(join(folder, "data"));
    for (const path of [folder, join(folder, "data")]) chownSync(path, 65534, 65534);
    const { child, url } = await start([
      "--workers",
      "2",
      "--state-dir",
      join(folder, "state"),
      configFile(),
    ]);
    await send("POST", `${url}v2/a/blobs/uploads/`, 202);
    for (const pid of await listProcessTree(child.pid ?? 0)) {
      expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^Uid:\s+65534\s+65534\s+65534\s/m);
    }
    expect(statSync(join(folder, "data/docker")).uid).toBe(65534);
    const [store = ""] = readdirSync(join(folder, "state"));
    expect(statSync(join(folder, "state", store)).uid).toBe(65534);
  });

  function configFile(addr = "127.0.0.1:0", more = ""): string {
    const file = join(folder, "config.yml");
    const storage = `storage: {filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}\n`;
    writeFileSync(file, `version: 0.1\n${storage}http:\n  addr: ${JSON.stringify(addr)}\n${more}`);
    return file;
  }

  function launch(args: string[], env: Record<string, string> = {}): RunningChild {
    return children.launch(["--import", TSX, PROGRAM, "serve", ...args], {
      cwd: folder,
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        XDG_STATE_HOME: join(folder, "xdg"),
        XDG_RUNTIME_DIR: process.env["XDG_RUNTIME_DIR"],
        ...env,
      },
    });
  }

  async function start(
    args: string[],
    env?: Record<string, string>,
  ): Promise<RunningChild & { url: string }> {
    const launched = launch(["--workers", "2", "--state-dir", join(folder, "state"), ...args], env);
    for (;;) {
      const url = /listening on (\S+)/.exec(launched.errors())?.[1];
      if (url !== undefined) return { ...launched, url: url.replace("0.0.0.0", "127.0.0.1") };
      if (launched.child.exitCode !== null) throw new Error(launched.errors());
      await pause();
    }
  }
});

/** Sends half of an upload and leaves it open. */
async function beginUpload(url: string): Promise<void> {
  const location = await send("POST", `${url}v2/a/blobs/uploads/`, 202);
  const half = request(location, {
    method: "PATCH",
    headers: { "content-length": "10", expect: "100-continue" },
  });
  half.on("error", () => {});
  half.flushHeaders();
  // It is being handled when the server asks for the body.
  await once(half, "continue");
  half.write("12345");
}

/** Resolves when nobody takes connections any more. */
async function refuses(url: string): Promise<void> {
  while (
    await fetch(url, { headers: { connection: "close" } }).then(
      () => true,
      () => false,
    )
  )
    await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** Sends one request on a connection of its own; again while the worker that it reaches is killed. */
async function send(
  method: string,
  url: string,
  status: number,
  body?: Buffer,
  range?: string,
): Promise<string> {
  const headers: Record<string, string> = { connection: "close" };
  if (body !== undefined) headers["content-type"] = "application/octet-stream";
  if (range !== undefined) headers["content-range"] = range;
  for (;;) {
    const response = await fetch(url, { method, headers, ...(body && { body: new Uint8Array(body) }) }).catch(
      () => undefined,
    );
    if (response === undefined) {
      await pause();
      continue;
    }
    const text = await response.text();
    expect(response.status, text).toBe(status);
    return new URL(response.headers.get("location") ?? url, url).href;
  }
}

async function childrenOf(pid = 0): Promise<number[]> {
  return (await listProcessTree(pid)).slice(1);
}
