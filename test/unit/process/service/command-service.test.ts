import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseServiceSpec } from "../../../../src/config/service-spec.ts";
import { openService } from "../../../../src/process/service/open-service.ts";
import { findRunningLine, lineArguments } from "../../../../src/process/service/running-line.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-command-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** One that has ended may be waiting for somebody to hear of it. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function service(line: string) {
  return openService(parseServiceSpec(`command:${line}`), { timeoutMs: 10_000 });
}

describe("CommandService", () => {
  it("runs its lines by a shell", async () => {
    const calls = join(folder, "calls");
    const registry = service(`test {} != status && echo "{} it" >>'${calls}'`);
    await registry.start();
    await registry.restart();
    await registry.stop();
    expect(readFileSync(calls, "utf8")).toBe("start it\nrestart it\nstop it\n");
  });

  it("stops and starts where there is no line for a restart", async () => {
    const calls = join(folder, "calls");
    const commands = { start: `echo start >>${calls}`, stop: `echo stop >>${calls}` };
    await openService({ kind: "command", commands }).restart();
    expect(readFileSync(calls, "utf8")).toBe("stop\nstart\n");
  });

  it.each([
    [0, true],
    [3, false],
    [1, undefined],
    [4, undefined],
  ])("takes exit code %i of status for running: %s", async (code, isRunning) => {
    expect(await service(`exit ${code} #`).isRunning()).toBe(isRunning);
  });

  it("starts nothing that runs, and stops nothing that does not", async () => {
    const made = join(folder, "made");
    await service(`test {} = status || touch '${made}'`).start();
    expect(existsSync(made)).toBe(false);
    await service(`test {} = status && exit 3; touch '${made}'`).stop();
    expect(existsSync(made)).toBe(false);
  });

  it("does not wait for what stays behind, which keeps its outputs", async () => {
    const pidFile = join(folder, "pid");
    const line = `test {} = start && { sleep 60 & echo $! >'${pidFile}'; }`;
    await service(line).start();
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(() => process.kill(pid, 0)).not.toThrow();
    process.kill(pid);
  });

  it("tells what a line that failed has said", async () => {
    await expect(service("echo no such container >&2; exit 7 #").start()).rejects.toMatchObject({
      code: "ERR_SERVICE",
      message: expect.stringMatching(/to start the registry.*exit code 7\nno such container$/s),
    });
  });

  it("ends what a line has started, when that takes too long", async () => {
    const pidFile = join(folder, "pid");
    const commands = { start: `sh -c 'echo $$ >${pidFile}; sleep 60; true' && true`, stop: "true" };
    const slow = openService({ kind: "command", commands }, { timeoutMs: 500 });
    await expect(slow.start()).rejects.toThrow("it took too long");
    const pid = Number(readFileSync(pidFile, "utf8"));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it("has no file that would stay when it is killed while the line runs", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("registry-ctl-"));
    const commands = { start: `sleep 1; : ${folder}`, stop: "true" };
    const running = openService({ kind: "command", commands }).start();
    await expect.poll(() => findRunningLine([commands.start])).toBeDefined();
    const during = readdirSync(tmpdir()).filter((name) => /^registry-ctl-[0-9a-f]{16}$/.test(name));
    expect(during.filter((name) => !before.includes(name))).toEqual([]);
    await running;
  });

  it("gives up on a line that never ends", async () => {
    const commands = { start: "sleep 60", stop: "true" };
    const slow = openService({ kind: "command", commands }, { timeoutMs: 200 });
    await expect(slow.start()).rejects.toThrow("it took too long");
  });

  it("waits for a line that a command which was killed has left behind", async () => {
    const calls = join(folder, "calls");
    const stop = `sleep 1; echo stop >>'${calls}'`;
    const left = spawn("/bin/sh", lineArguments(stop), { detached: true });
    await expect.poll(() => findRunningLine([stop])).toBe(left.pid);
    const commands = { start: `echo start >>'${calls}'`, stop, status: "true" };
    const registry = openService({ kind: "command", commands }, { timeoutMs: 10_000 });
    expect(await registry.isRunning()).toBeUndefined();
    await registry.restart();
    expect(readFileSync(calls, "utf8")).toBe("stop\nstop\nstart\n");
  });

  it("says what is at work where that does not end", async () => {
    const commands = { start: "true", stop: "sleep 60" };
    const left = spawn("/bin/sh", lineArguments(commands.stop), { detached: true });
    await expect.poll(() => findRunningLine([commands.stop])).toBe(left.pid);
    const registry = openService({ kind: "command", commands }, { timeoutMs: 200 });
    const failed = registry.start();
    await expect(failed).rejects.toMatchObject({
      code: "ERR_SERVICE_BUSY",
      message: expect.stringContaining(`process ${left.pid}`),
    });
    process.kill(-(left.pid ?? Number.NaN));
  });

  it("does not take what a line has put into the background for the line", async () => {
    const pidFile = join(folder, "pid");
    // The shell forks for the group, which keeps its words.
    const commands = { start: `{ sleep 60; true; } & echo $! >'${pidFile}'`, stop: "true" };
    const registry = openService({ kind: "command", commands }, { timeoutMs: 2000 });
    await registry.start();
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain(commands.start);
    expect(findRunningLine([commands.start])).toBeUndefined();
    process.kill(pid);
  });

  it("reads the beginning only of what a line has written", async () => {
    const commands = { start: `echo much; truncate --size 3G /proc/self/fd/1; exit 1`, stop: "true" };
    await expect(openService({ kind: "command", commands }).start()).rejects.toMatchObject({
      code: "ERR_SERVICE",
      message: expect.stringContaining("much"),
    });
  });

  it("knows its log only where it was told", async () => {
    expect(await service("x").log()).toMatchObject({ kind: "none" });
    const commands = { start: "a", stop: "b", log: "/var/log/r.log" };
    expect(await openService({ kind: "command", commands }).log()).toEqual({
      kind: "file",
      path: "/var/log/r.log",
    });
  });
});
