import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listen, removeStaleSocket } from "../../../../src/process/workers/listen.ts";

describe("listening", () => {
  let folder: string;
  let servers: Server[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-listen-"));
    servers = [];
  });

  afterEach(async () => {
    for (const server of servers.filter((each) => each.listening)) {
      server.close();
      await once(server, "close");
    }
    rmSync(folder, { recursive: true, force: true });
  });

  function newServer(): Server {
    const server = createServer();
    servers.push(server);
    return server;
  }

  it("tells the real port", async () => {
    const address = await listen(newServer(), { kind: "tcp", host: "127.0.0.1", port: 0 });
    expect(address).toMatchObject({ kind: "tcp", host: "127.0.0.1" });
    expect(address.kind === "tcp" && address.port > 0).toBe(true);
  });

  it("says in one sentence that the port is in use", async () => {
    const address = await listen(newServer(), { kind: "tcp", host: "127.0.0.1", port: 0 });
    await expect(listen(newServer(), address)).rejects.toMatchObject({
      code: "ERR_LISTEN",
      message: expect.stringMatching(/^cannot listen on 127\.0\.0\.1:\d+: another program listens there$/),
    });
  });

  it("says that the machine has no such address", async () => {
    // 192.0.2.0/24 belongs to nobody: https://www.rfc-editor.org/rfc/rfc5737
    await expect(listen(newServer(), { kind: "tcp", host: "192.0.2.1", port: 0 })).rejects.toThrow(
      "this machine has no such address",
    );
  });

  it("removes a socket that a killed server has left", async () => {
    const path = join(folder, "socket");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
    spawnSync(process.execPath, ["-e", script]);
    expect(existsSync(path)).toBe(true);
    await removeStaleSocket(path);
    expect(existsSync(path)).toBe(false);
    await listen(newServer(), { kind: "unix", path });
  });

  it("leaves a socket on which somebody answers, and a file that is none", async () => {
    const path = join(folder, "socket");
    await listen(newServer(), { kind: "unix", path });
    await removeStaleSocket(path);
    await expect(listen(newServer(), { kind: "unix", path })).rejects.toThrow(
      "another program listens there",
    );
    const file = join(folder, "file");
    writeFileSync(file, "");
    await removeStaleSocket(file);
    expect(existsSync(file)).toBe(true);
    await removeStaleSocket(join(folder, "missing"));
  });
});
