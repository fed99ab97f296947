import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LoadedConfig } from "../../../../src/config/settings.ts";
import { isAnswered, locateServer } from "../../../../src/process/control/find-server.ts";
import { serverName } from "../../../../src/process/control/runtime-folder.ts";
import { currentMachine } from "../../../../src/process/machine/run-process.ts";
import { stateFoldersOf } from "../../../../src/process/state/find-state.ts";
import {
  readServerRecords,
  removeServerRecord,
  type ServerRecord,
  writeServerRecord,
} from "../../../../src/state/server-record.ts";
import { settingsFor } from "../../../integration/process/settings-for.ts";

const isRoot = process.getuid?.() === 0;

/** Listens on a socket, and never looks at it. */
const STUCK = `require("node:net").createServer().listen({ path: process.argv[1], backlog: 1 }, () => {
  require("node:fs").writeSync(1, "listens");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
})`;

describe("whether somebody listens on a socket", () => {
  it("is true where he is stuck, and has not looked for long", async () => {
    const folder = mkdtempSync(join(tmpdir(), "registry-ctl-stuck-"));
    const path = join(folder, "s");
    const stuck = spawn(process.execPath, ["-e", STUCK, path], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(stuck.stdout, "data");
      const answers: boolean[] = [];
      for (let count = 0; count < 5; count++) answers.push(await isAnswered(path));
      expect(answers).toEqual([true, true, true, true, true]);
    } finally {
      stuck.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
    await expect(isAnswered(path)).resolves.toBe(false);
  });
});

describe("the server of a configuration", () => {
  let folder: string;
  let servers: Server[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-find-"));
    servers = [];
  });

  afterEach(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const config = (addr = "127.0.0.1:1"): LoadedConfig => ({
    source: { kind: "embedded" },
    settings: settingsFor(join(folder, "data"), addr),
    ...{ warnings: [], usesMetadataDatabase: false },
  });

  const stateFolder = (): string => stateFoldersOf(config().settings.storage, join(folder, "state"))[0] ?? "";
  const locate = (addr?: string, pid?: number): Promise<{ socket: string } | undefined> =>
    locateServer(config(addr), { stateDir: join(folder, "state"), pid });

  /** Somebody answers on a socket. */
  async function listen(name: string): Promise<string> {
    const path = join(folder, name);
    const server = createServer((socket) => socket.destroy()).listen(path);
    servers.push(server);
    await once(server, "listening");
    return path;
  }

  /** A server says that it is there. */
  function tell(fields: Partial<ServerRecord>): void {
    const { host, bootId, pidNamespace, pid, startOf } = currentMachine();
    writeServerRecord(stateFolder(), {
      ...{ name: serverName(config().settings), host, bootId, pidNamespace, pid, version: "1" },
      ...{ startedAt: new Date().toISOString(), address: "http://a/", processStart: startOf(pid) ?? "" },
      ...fields,
    });
  }

  it("is where it says in the state folder", async () => {
    const socket = await listen("s");
    tell({ socket });
    expect(await locate()).toMatchObject({ socket, record: { pid: process.pid } });
  });

  it("is there also where it was started with another address", async () => {
    const socket = await listen("s");
    tell({ socket });
    expect(await locate("127.0.0.1:2")).toMatchObject({ socket });
  });

  it("is the one with the address, if there are several on a store", async () => {
    const own = await listen("own");
    tell({ socket: own });
    tell({ socket: await listen("other"), name: serverName(config("127.0.0.1:2").settings) });
    expect(await locate()).toMatchObject({ socket: own });
    await expect(locate("127.0.0.1:3")).rejects.toThrow("several servers work on this store");
  });

  it("is the one with the process id that is asked for, and no other", async () => {
    const own = await listen("own");
    tell({ socket: own, name: serverName(config("127.0.0.1:2").settings) });
    const other = await listen("other");
    const processStart = currentMachine().startOf(process.ppid) ?? "";
    tell({ socket: other, pid: process.ppid, processStart });
    expect(await locate()).toMatchObject({ socket: other });
    expect(await locate(undefined, process.pid)).toMatchObject({ socket: own });
    expect(await locate(undefined, 999_999_999)).toBeUndefined();
  });

  it("is none that is dead, by its process, its machine or its socket", async () => {
    const socket = await listen("s");
    tell({ socket, pid: 999_999_999 });
    expect(await locate()).toBeUndefined();
    tell({ socket, processStart: "1" });
    expect(await locate()).toBeUndefined();
    tell({ socket, bootId: "another" });
    expect(await locate()).toBeUndefined();
    tell({ socket: join(folder, "gone") });
    expect(await locate()).toBeUndefined();
    tell({});
    expect(await locate()).toBeUndefined();
    tell({ socket });
    expect(await locate()).toMatchObject({ socket });
  });

  it("is none whose record is damaged", async () => {
    mkdirSync(join(stateFolder(), "servers"), { recursive: true });
    for (const [index, text] of ["{", "1", "{}", '{"pid":1}'].entries()) {
      writeFileSync(join(stateFolder(), "servers", `${index}.json`), text);
    }
    expect(readServerRecords(stateFolder())).toEqual([]);
    expect(await locate()).toBeUndefined();
  });

  it("leaves a record alone that a later server has written", () => {
    tell({ pid: 5 });
    const { name } = readServerRecords(stateFolder())[0]?.record ?? { name: "" };
    removeServerRecord(stateFolder(), { name, pid: 6 });
    expect(readServerRecords(stateFolder())).toHaveLength(1);
    removeServerRecord(stateFolder(), { name, pid: 5 });
    expect(readServerRecords(stateFolder())).toEqual([]);
  });

  it("is looked for only where it is said to be", async () => {
    tell({ socket: await listen("s") });
    const flags = { stateDir: join(folder, "state"), controlSocket: join(folder, "other") };
    expect(await locateServer(config(), flags)).toBeUndefined();
    const socket = await listen("other");
    expect(await locateServer(config(), flags)).toMatchObject({ socket, record: undefined });
  });

  it.runIf(isRoot)("is none to which somebody else's record leads", async () => {
    const socket = await listen("s");
    tell({ socket });
    chownSync(socket, 54_321, 54_321);
    expect(await locate()).toBeUndefined();
    const record = join(stateFolder(), "servers", `${serverName(config().settings)}.json`);
    chownSync(record, 54_321, 54_321);
    expect(await locate()).toMatchObject({ socket });
  });
});
