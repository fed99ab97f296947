import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { managerOf } from "../../../src/process/service/manager-of.ts";
import { openService } from "../../../src/process/service/open-service.ts";
import { readLog } from "../../../src/process/service/read-log.ts";
import { describeWithPrograms, programPath } from "../../support/programs.ts";

let folder: string;
let runsv: ChildProcess;

function script(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\nexec 2>&1\n${text}\n`);
  chmodSync(path, 0o755);
}

function service(name = "registry", seconds = 10) {
  const env = { ...process.env, SVDIR: folder };
  return openService({ kind: "runit", service: name }, { env, timeoutMs: seconds * 1000 });
}

describeWithPrograms(["runsv", "sv", "svlogd"], "RunitService with the real runit", () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "registry-ctl-runit-"));
    const registry = join(folder, "registry");
    script(join(registry, "run"), "echo started\nexec sleep 60");
    script(join(registry, "log/run"), `mkdir -p '${folder}/logs'\nexec svlogd '${folder}/logs'`);
    writeFileSync(join(registry, "down"), "");
    runsv = spawn(programPath("runsv"), [registry], { stdio: "ignore" });
    await expect.poll(() => existsSync(join(registry, "supervise/ok")), { timeout: 30_000 }).toBe(true);
    await expect.poll(() => existsSync(join(registry, "log/supervise/ok")), { timeout: 30_000 }).toBe(true);
  });

  afterEach(async () => {
    await service().stop();
    const ended = once(runsv, "exit");
    // runsv ends its services at a SIGTERM.
    runsv.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it("starts, restarts and stops a service, and tells its process", async () => {
    expect(await service().isRunning()).toBe(false);
    await service().start();
    expect(await service().isRunning()).toBe(true);
    const pid = await service().pid();
    if (pid === undefined) throw new Error("no pid");
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect(await managerOf(pid)).toBe(`runit:${folder}/registry`);
    await service().restart();
    expect(await service().isRunning()).toBe(true);
    expect(await service().pid()).not.toBe(pid);
    await service(join(folder, "registry")).stop();
    expect(await service().isRunning()).toBe(false);
    expect(await service().pid()).toBeUndefined();
  });

  it("waits for the new process also where the old one has just started", async () => {
    await service().start();
    // sv is wrong only if both happen within one second of the clock.
    for (let round = 0; round < 4; round += 1) {
      const before = await service().pid();
      await service().restart();
      expect(await service().isRunning()).toBe(true);
      expect(await service().pid()).not.toBe(before);
    }
  });

  it("tells that no new process keeps running after a restart", async () => {
    await service().start();
    // Each lives long enough to be seen once, and is followed by another one.
    script(join(folder, "registry/run"), "sleep 0.15\nexit 1");
    await expect(service("registry", 3).restart()).rejects.toMatchObject({ code: "ERR_SERVICE" });
  });

  it("finds the log where svlogd writes it", async () => {
    await service().start();
    const log = await service().log();
    expect(log).toEqual({ kind: "file", path: join(folder, "logs/current") });
    await expect.poll(() => readLog(log, 1), { timeout: 30_000 }).toEqual(["started"]);
  });

  it("waits as long as it was told for a service that is slow to end", async () => {
    script(join(folder, "registry/run"), "trap 'sleep 1.5; exit 0' TERM\nwhile :; do sleep 0.1; done");
    await service().start();
    await expect(service("registry", 2).stop()).rejects.toMatchObject({
      code: "ERR_SERVICE",
      message: expect.stringContaining("timeout"),
    });
    await service().stop();
    expect(await service().isRunning()).toBe(false);
  });

  it("says which service is not there, and which nobody looks after", async () => {
    await expect(service("other").start()).rejects.toThrow(`there is no runit service other in ${folder}`);
    script(join(folder, "idle/run"), "exec sleep 60");
    await expect(service("idle").isRunning()).rejects.toMatchObject({ code: "ERR_SERVICE" });
  });
});
