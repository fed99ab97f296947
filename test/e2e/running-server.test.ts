import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readServerRecords } from "../../src/state/server-record.ts";
import { findFreePort } from "../support/free-port.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { type RunningServerProcess, startRunning, stateFolderOf } from "../support/running-server.ts";
import { writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("a running server", () => {
  it("tells what it is, to its user only", async () => {
    const server = await start();
    const { control, socket, pid, url, configPath, stateFolder } = server;
    expect(await control.status()).toMatchObject({
      ...{ schemaVersion: 1, pid, configFile: configPath, address: `${url}/`, logLevel: "warn" },
      ...{ readOnly: { on: false, byConfiguration: false }, uploadsInFlight: 0, problems: [] },
      workers: [{ state: "listening" }],
    });
    const pidFile = join(dirname(socket), "registry-ctl.pid");
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(readFileSync(pidFile, "utf8")).toBe(`${pid}\n`);
    await control.stop();
    await expect.poll(() => existsSync(socket)).toBe(false);
    // Its last moment is no time for the signal that the test's end sends.
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
    expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
    expect(existsSync(dirname(pidFile))).toBe(false);
    expect(readServerRecords(stateFolder)).toEqual([]);
  });

  it("loses no request when its workers are replaced", { timeout: 90_000 }, async () => {
    const server = await start({ workers: 2 });
    const before = new Set((await server.control.status()).workers.map(({ pid }) => pid));
    const counts = { answered: 0, closed: 0, pushed: 0 };
    let isOver = false;
    const reader = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      while (!isOver) {
        if ((await ask(server.url, agent)) === "close") counts.closed++;
        counts.answered++;
      }
      agent.destroy();
    };
    const pusher = async (): Promise<void> => {
      for (; !isOver; counts.pushed++) await pushBlob(server.url);
    };
    const clients = Promise.all([reader(), reader(), pusher(), pusher()]);
    for (let round = 0; round < 3; round++) {
      await server.control.restart();
      await sleep(300);
    }
    isOver = true;
    await clients;
    expect(counts.answered).toBeGreaterThan(100);
    expect(counts.closed).toBeGreaterThan(0);
    expect(counts.pushed).toBeGreaterThan(3);
    const { workers, pid } = await server.control.status();
    expect(pid).toBe(server.pid);
    expect(workers.some((worker) => before.has(worker.pid) && worker.state === "listening")).toBe(false);
  });

  it("reads its configuration again: live, by new workers, or at the next start", async () => {
    const server = await start();
    const { control, url } = server;
    const { workers, settingsDigest } = await control.status();
    edit(server, "level: warn", "level: debug");
    expect(await control.reload()).toEqual({
      changed: [{ key: "log.level", from: "warn", to: "debug", applies: "live" }],
      ...{ replaced: false, pending: [] },
    });
    expect((await control.status()).workers[0]?.pid).toBe(workers[0]?.pid);
    edit(server, "http:\n", "http:\n  headers: {X-New: [here]}\n");
    edit(server, server.address, "127.0.0.1:1");
    const preview = await control.previewReload();
    expect(preview).toMatchObject({ replaced: true, pending: ["http.addr"] });
    expect(await headerOf(url)).toBeNull();
    expect(await control.reload()).toEqual(preview);
    await expect.poll(() => headerOf(url)).toBe("here");
    expect((await control.status()).settingsDigest).not.toBe(settingsDigest);
    expect(await control.undoReload()).toMatchObject({ replaced: true });
    await expect.poll(() => headerOf(url)).toBeNull();
    await expect(control.undoReload()).rejects.toMatchObject({ code: "ERR_REGISTRY_STATE" });
  });

  it("stays as it is where its configuration is wrong, or new workers cannot begin with it", async () => {
    const server = await start();
    const { control, configPath } = server;
    const before = await control.status();
    const text = readFileSync(configPath, "utf8");
    edit(server, "level: warn", "level: loud");
    await expect(control.reload()).rejects.toMatchObject({
      code: "ERR_CONFIG",
      message: expect.stringMatching(/config\.yml:\d+:\d+: .*loud/),
    });
    const tls = `  tls: {certificate: ${configPath}, key: ${configPath}}\n`;
    writeFileSync(configPath, text.replace("level: warn", "level: debug") + tls);
    await expect(control.reload()).rejects.toMatchObject({ code: "ERR_CONFIG" });
    const after = await control.status();
    expect(after).toMatchObject({ logLevel: "warn", settingsDigest: before.settingsDigest });
    expect(after.workers).toContainEqual(before.workers[0]);
    expect(await headerOf(server.url)).toBeNull();
  });

  it("reads its configuration again at SIGHUP, where there is no terminal", async () => {
    const server = await start();
    edit(server, "level: warn", "level: info");
    process.kill(server.pid, "SIGHUP");
    await expect.poll(() => server.output.stderr).toContain('msg="the configuration was read again"');
    edit(server, "level: info", "level: loud");
    process.kill(server.pid, "SIGHUP");
    const refused = /level=error msg="the configuration was not read again: nothing has changed" .*loud/;
    await expect.poll(() => server.output.stderr).toMatch(refused);
    expect((await server.control.status()).logLevel).toBe("info");
  });

  it("in memory takes all but new workers", async () => {
    const server = await start({ storage: "  inmemory:\n" });
    const { control, pid, url } = server;
    await control.setReadOnly({ on: true, reason: "a test", drainMs: 0 });
    expect((await fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST" })).status).toBe(405);
    await control.setReadOnly({ on: false, reason: "a test", drainMs: 0 });
    await pushBlob(url);
    await control.setLogLevel("debug");
    expect(await control.status()).toMatchObject({ logLevel: "debug", workers: [{ pid }] });
    await expect(control.restart()).rejects.toMatchObject({ code: "ERR_REGISTRY_STATE" });
    edit(server, "http:\n", "http:\n  relativeurls: true\n");
    await expect(control.reload()).rejects.toMatchObject({ code: "ERR_REGISTRY_STATE" });
    expect(await control.previewReload()).toMatchObject({ changed: [{ key: "http.relativeurls" }] });
  });
});

describeWithPrograms(["script"], "a server on a terminal", () => {
  it("ends at SIGHUP, as its terminal is gone", async () => {
    const rootDirectory = join(await temporaryFolder(), "data");
    const configPath = await writeServeConfig({ rootDirectory, port: await findFreePort() });
    const state = `${rootDirectory}.state`;
    const ended = runOnTerminal(["serve", configPath, "--workers", "1", "--state-dir", state]);
    const pid = (): number | undefined =>
      existsSync(state) ? readServerRecords(stateFolderOf(rootDirectory))[0]?.record.pid : undefined;
    await expect.poll(pid, { timeout: 60_000 }).toBeDefined();
    process.kill(pid() ?? 0, "SIGHUP");
    const { exitCode, shown } = await ended;
    expect(exitCode).toBe(129);
    expect(shown).toContain("listening on http://127.0.0.1:");
    expect(shown).not.toContain("read again");
  });
});

async function start(options: { workers?: number; storage?: string } = {}): Promise<RunningServerProcess> {
  return startRunning({ rootDirectory: join(await temporaryFolder(), "data"), ...options });
}

function edit({ configPath }: RunningServerProcess, from: string, to: string): void {
  const text = readFileSync(configPath, "utf8");
  if (!text.includes(from)) throw new Error(`${configPath} has no ${from}`);
  writeFileSync(configPath, text.replace(from, to));
}

async function headerOf(url: string): Promise<string | null> {
  const response = await fetch(`${url}/v2/`);
  expect(response.status).toBe(200);
  return response.headers.get("x-new");
}

/** @returns what the answer says of its connection */
function ask(url: string, agent: Agent): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    get(`${url}/v2/`, { agent }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.headers.connection));
    }).once("error", reject);
  });
}

/** A client that does not try again. */
async function pushBlob(url: string): Promise<void> {
  const content = randomBytes(200_000);
  const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  const begun = await fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST" });
  expect(begun.status).toBe(202);
  const location = begun.headers.get("location") ?? "";
  const sent = await fetch(new URL(location, url), { method: "PATCH", body: content });
  expect(sent.status).toBe(202);
  const end = new URL(sent.headers.get("location") ?? "", url);
  end.searchParams.set("digest", digest);
  expect((await fetch(end, { method: "PUT" })).status).toBe(201);
}
