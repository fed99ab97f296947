import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChildProcesses, type RunningChild } from "./child-processes.ts";

const WORKER = new URL("./stub-worker.ts", import.meta.url);
const LATE_WORKER = new URL("./stub-late-worker.ts", import.meta.url);
const PROGRAM = fileURLToPath(new URL("./stub-supervisor.ts", import.meta.url));

type Running = RunningChild & { port: number };

describe("supervisor", () => {
  const children = new ChildProcesses();
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-supervisor-"));
  });

  afterEach(async () => {
    await children.killAll();
    rmSync(folder, { recursive: true, force: true });
  });

  it("lets all workers take connections", async () => {
    const { port } = await start();
    expect((await pidsOf(port, 2)).size).toBe(2);
  });

  it("replaces a worker that was killed, reports it and goes on serving", async () => {
    const { port, errors } = await start();
    const [victim = 0] = await pidsOf(port, 2);
    process.kill(victim, "SIGKILL");
    const pids = await pidsOf(port, 2, victim);
    expect(pids.has(victim)).toBe(false);
    expect(errors()).toMatch(/level=error msg="worker died" .*reason="signal SIGKILL"/);
  });

  it("leaves no worker behind when it is killed itself, so that the port is free", async () => {
    const { child, port, ended } = await start();
    const pids = await pidsOf(port, 2);
    child.kill("SIGKILL");
    await ended;
    for (const pid of pids) await until(() => !isAlive(pid));
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  });

  it("lets one request at a time write an upload, whichever workers they reach", async () => {
    const { port } = await start();
    const pids = await Promise.all(Array.from({ length: 60 }, () => get(port, "/upload/one")));
    expect(new Set(pids).size).toBe(2);
    const lines = journal();
    expect(lines).toHaveLength(120);
    for (let at = 0; at < lines.length; at += 2) {
      expect(lines[at]).toMatch(/^begin one \d+$/);
      expect(lines[at + 1]).toBe(lines[at]?.replace("begin", "end"));
    }
  });

  it("gives the upload of a killed worker to the next request", async () => {
    const { port } = await start();
    const holder = get(port, "/hold/two/never").catch(() => "cut");
    await until(() => journal().length === 1);
    const [, , holdingPid] = journal()[0]?.split(" ") ?? [];
    let next = "";
    // A request that reaches the worker of the holder dies with it; one that reaches the other has to wait.
    while (next === "" || next === holdingPid) {
      const request = get(port, "/upload/two").catch(() => "");
      await until(async () => (await get(port, "/pid").catch(() => holdingPid)) !== holdingPid);
      if (isAlive(Number(holdingPid))) process.kill(Number(holdingPid), "SIGKILL");
      next = await request;
    }
    expect(await holder).toBe("cut");
    expect(journal().slice(1)).toEqual([`begin two ${next}`, `end two ${next}`]);
  });

  it("ends with 0 after running requests, and takes no new ones, when it is asked to stop", async () => {
    const { child, port, ended, output } = await start();
    const slow = get(port, "/gate/open");
    await until(() => journal().includes("waiting open"));
    child.kill("SIGTERM");
    await until(async () => (await get(port, "/pid").catch(() => undefined)) === undefined);
    expect(child.exitCode).toBeNull();
    writeFileSync(join(folder, "open"), "");
    expect(await slow).toMatch(/^\d+$/);
    expect(await ended).toBe(0);
    expect(output()).toContain("GET /gate/open\n");
  });

  it("puts new workers in the place of all, and lets requests of the old ones end", async () => {
    const { child, port, output, ended } = await start();
    const before = await pidsOf(port, 2);
    const slow = get(port, "/gate/open");
    await until(() => journal().includes("waiting open"));
    child.kill("SIGUSR2");
    await until(() => output().includes("replaced\n"));
    const after = await pidsOf(port, 2);
    expect([...after].filter((pid) => before.has(pid))).toEqual([]);
    writeFileSync(join(folder, "open"), "");
    expect(before.has(Number(await slow))).toBe(true);
    for (const pid of before) await until(() => !isAlive(pid));
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it("keeps its workers where new ones cannot start, and takes new ones later", async () => {
    const { child, port, output } = await start();
    const before = await pidsOf(port, 2);
    writeFileSync(join(folder, "die-at-start"), "");
    child.kill("SIGUSR2");
    await until(() => output().includes("not replaced: a new worker died at its start: exit code 7\n"));
    expect(await pidsOf(port, 2)).toEqual(before);
    rmSync(join(folder, "die-at-start"));
    child.kill("SIGUSR2");
    await until(() => output().includes("\nreplaced\n"));
    expect([...(await pidsOf(port, 2))].some((pid) => before.has(pid))).toBe(false);
  });

  it("refuses no connection while it replaces its workers again and again", async () => {
    const { child, port, output } = await start();
    let [asked, isOver] = [0, false];
    const client = async (): Promise<void> => {
      while (!isOver) {
        expect(await get(port, "/pid")).toMatch(/^\d+$/);
        asked++;
      }
    };
    const clients = Promise.all(Array.from({ length: 4 }, client));
    for (let round = 1; round <= 3; round++) {
      child.kill("SIGUSR2");
      await until(() => output().split("\nreplaced").length > round);
    }
    isOver = true;
    await clients;
    expect(asked).toBeGreaterThan(100);
  });

  it("ends although it is asked to while its workers are still starting", async () => {
    const { child, ended, errors } = launch("127.0.0.1:0", LATE_WORKER);
    await until(() => errors().includes("late worker"));
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it("says that the port is in use, and ends instead of trying again", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const port = typeof bound === "object" ? (bound?.port ?? 0) : 0;
    const { ended, errors } = launch(`127.0.0.1:${port}`);
    expect(await ended).toBe(1);
    expect(errors()).toBe(`error: cannot listen on 127.0.0.1:${port}: another program listens there\n`);
    server.close();
  });

  it("gives up when its workers die at their start again and again", async () => {
    writeFileSync(join(folder, "die-at-start"), "");
    const { ended, errors } = launch("127.0.0.1:0");
    expect(await ended).toBe(1);
    expect(errors()).toMatch(/error: the workers die again and again at their start: exit code 7\n$/);
  });

  it("never gives up once it has served, and serves again when workers can start", async () => {
    const { child, port, errors, ended } = await start();
    const before = await pidsOf(port, 2);
    writeFileSync(join(folder, "die-at-start"), "");
    for (const pid of before) process.kill(pid, "SIGKILL");
    await until(() => errors().split("worker died").length > 8);
    expect(child.exitCode).toBeNull();
    rmSync(join(folder, "die-at-start"));
    await pidsOf(port, 2);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  }, 120_000);

  function launch(addr: string, workerProgram = WORKER): RunningChild {
    return children.launch(["--import", "tsx", PROGRAM, folder, addr, workerProgram.href]);
  }

  async function start(): Promise<Running> {
    const launched = launch("127.0.0.1:0");
    await until(() => {
      if (launched.child.exitCode !== null) throw new Error(launched.errors());
      return launched.output().includes("port ");
    });
    return { ...launched, port: Number(/port (\d+)/.exec(launched.output())?.[1]) };
  }

  function journal(): string[] {
    const path = join(folder, "journal");
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }
});

async function get(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
  return response.text();
}

/** Asks until `count` different workers, none of them `without`, have answered. */
async function pidsOf(port: number, count: number, without?: number): Promise<Set<number>> {
  const pids = new Set<number>();
  while (pids.size < count) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => get(port, "/pid").catch(() => "")));
    for (const answer of answers) if (answer !== "" && Number(answer) !== without) pids.add(Number(answer));
  }
  return pids;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
