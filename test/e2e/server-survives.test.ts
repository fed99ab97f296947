import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { openControlClient } from "../../src/control/control-client.ts";
import { readServerRecords } from "../../src/state/server-record.ts";
import { listProcessTree } from "../support/process-tree.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startRunning, stateFolderOf } from "../support/running-server.ts";
import { REGISTRY_CTL_PATH, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const isRoot = process.getuid?.() === 0;
const READ_ONLY = { on: true, reason: "a test", drainMs: 0 };

describe("a server that is killed or started twice", { timeout: 90_000 }, () => {
  it("stays read-only over kill -9 and new workers, until its time", async () => {
    const rootDirectory = await dataFolder();
    const server = await startRunning({ rootDirectory });
    const { now } = await server.control.setReadOnly({ ...READ_ONLY, forMs: 3_600_000 });
    expect(await postUpload(server.url)).toBe(405);
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
    await server.kill();
    const second = await startRunning({ rootDirectory });
    expect((await second.control.status()).readOnly).toEqual(now);
    expect(await postUpload(second.url)).toBe(405);
    await second.control.restart();
    expect(await postUpload(second.url)).toBe(405);
    await second.control.setReadOnly({ ...READ_ONLY, forMs: 200 });
    await expect.poll(() => postUpload(second.url), { timeout: 60_000 }).toBe(202);
    expect(existsSync(join(second.stateFolder, "read-only.json"))).toBe(false);
    await second.control.setReadOnly({ ...READ_ONLY, forMs: 1000 });
    await second.kill();
    await sleep(1000);
    expect(await postUpload((await startRunning({ rootDirectory })).url)).toBe(202);
  });

  it("is the only one on its data directory, by whatever path and with whatever state folder", async () => {
    const rootDirectory = await dataFolder();
    const server = await startRunning({ rootDirectory });
    const other = `${rootDirectory}-link`;
    symlinkSync(rootDirectory, other);
    const text = readFileSync(server.configPath, "utf8").replaceAll(rootDirectory, other);
    writeFileSync(`${other}.yml`, text.replace(server.address, "127.0.0.1:0"));
    const refused = await runRegistryCtl(["serve", `${other}.yml`, "--state-dir", `${other}.state`]);
    expect(refused).toMatchObject({ exitCode: 12, stdout: "" });
    expect(refused.stderr).toContain(
      `error: process ${server.pid} has been serving this store at ${server.url}/ since 20`,
    );
    await server.kill();
    const second = await startServe({ rootDirectory: other, workers: 1 });
    await second.stop();
  });

  it("comes back after kill -9 of all its processes, on the same port", async () => {
    const rootDirectory = await dataFolder();
    const first = await startRunning({ rootDirectory });
    for (const pid of await listProcessTree(first.pid)) process.kill(pid, "SIGKILL");
    await first.kill();
    const second = await startRunning({ rootDirectory, port: Number(first.address.split(":")[1]) });
    expect((await second.control.status()).pid).toBe(second.pid);
  });

  it("takes the place of the socket that a dead server left behind", async () => {
    const rootDirectory = await dataFolder();
    const socket = join(dirname(rootDirectory), "control", "s.sock");
    const args = ["--control-socket", socket];
    const first = await startRunning({ rootDirectory, args });
    await first.kill();
    expect(existsSync(socket)).toBe(true);
    const control = openControlClient(socket);
    await expect(control.status()).rejects.toMatchObject({ code: "ERR_REGISTRY_STATE" });
    const second = await startRunning({ rootDirectory, args });
    expect((await control.status()).pid).toBe(second.pid);
    await second.stop();
    expect(existsSync(socket)).toBe(false);
  });

  it("refuses a control socket where others could put another one", async () => {
    const rootDirectory = await dataFolder();
    const open = join(dirname(rootDirectory), "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    writeFileSync(
      `${rootDirectory}.yml`,
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${rootDirectory}}}\n`,
    );
    const args = ["serve", `${rootDirectory}.yml`, "--state-dir", `${rootDirectory}.state`];
    const refused = await runRegistryCtl([...args, "--control-socket", join(open, "s")]);
    expect(refused).toMatchObject({ exitCode: 12, stdout: "" });
    expect(refused.stderr).toContain(`${open} may be changed by others`);
  });

  it("replaces its workers on a Unix socket too", async () => {
    const rootDirectory = await dataFolder();
    const path = join(dirname(rootDirectory), "http.sock");
    const config = `version: 0.1\nstorage: {filesystem: {rootdirectory: ${rootDirectory}}}\nhttp: {net: unix, addr: ${path}}\n`;
    writeFileSync(`${rootDirectory}.yml`, config);
    const args = ["serve", `${rootDirectory}.yml`, "--workers", "1", "--state-dir", `${rootDirectory}.state`];
    const child = spawn(process.execPath, [REGISTRY_CTL_PATH, ...args], { stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    await expect.poll(() => askSocket(path), { timeout: 60_000 }).toBe(200);
    const records = (): string | undefined =>
      readServerRecords(stateFolderOf(rootDirectory))[0]?.record.socket;
    await expect.poll(records, { timeout: 60_000 }).toBeDefined();
    const control = openControlClient(records() ?? "");
    for (let round = 0; round < 2; round++) {
      await control.restart();
      expect(await askSocket(path)).toBe(200);
    }
    await expect.poll(async () => (await control.status()).workers.length, { timeout: 60_000 }).toBe(1);
    expect(await askSocket(path)).toBe(200);
  });

  it.runIf(isRoot)(
    "started by root on somebody's store, is that user's and can be asked by root",
    async () => {
      const rootDirectory = await dataFolder();
      chmodSync(dirname(rootDirectory), 0o755);
      mkdirSync(rootDirectory);
      chownSync(rootDirectory, 54_321, 54_321);
      const { control, socket } = await startRunning({ rootDirectory });
      for (const path of [socket, dirname(socket)]) expect(statSync(path).uid).toBe(54_321);
      const { pid } = await control.status();
      expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^Uid:\s+54321\s/m);
      await control.setReadOnly({ ...READ_ONLY, forMs: 60_000 });
    },
  );
});

async function dataFolder(): Promise<string> {
  return join(await temporaryFolder(), "data");
}

async function postUpload(url: string): Promise<number> {
  return (await fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST" })).status;
}

/** @returns the status of the answer; 0 if there is none */
function askSocket(socketPath: string): Promise<number> {
  return new Promise((resolve) => {
    const asking = request({ socketPath, path: "/v2/", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asking.once("error", () => resolve(0));
    asking.end();
  });
}
