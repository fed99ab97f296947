import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { describeAsRoot, describeWithPrograms, programPath } from "../support/programs.ts";
import { type ReadOnlyRegistry, startReadOnlyRegistry } from "../support/read-only-registry.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { cleanEnvironment, type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "../support/serve-process.ts";

let folder: string;
let rootDirectory: string;
let configPath: string;
let stateDir: string;
let registry: ReadOnlyRegistry;

/** A store with something to delete, and a registry on its port that answers once and then holds. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-e2e-"));
  rootDirectory = join(folder, "registry");
  stateDir = join(folder, "state");
  registry = await startReadOnlyRegistry({ holdAfter: 1 });
  configPath = await writeServeConfig({ rootDirectory, port: registry.port });
  const tree = new RegistryTree(new FilesystemDriver({ rootDirectory }));
  await tree.repository("app").image("one", ["a"], { tag: "v1" });
  await tree.repository("app").image("two", ["b"]);
  return async () => {
    await registry.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
});

describe("garbage-collect status", () => {
  it("tells of a run under way and of the one that ended, with exit codes 0 and 3", async () => {
    const none = await status();
    expect(none.exitCode).toBe(3);
    expect(none.stdout).toContain("none is known");

    const run = startRun();
    await untilHeld();
    const during = await status("--json");
    expect(during.exitCode, during.stderr).toBe(0);
    expect(JSON.parse(during.stdout)).toMatchObject({
      schemaVersion: 1,
      command: "garbage-collect status",
      state: "running",
      degraded: false,
      run: { pid: run.child.pid, config: configPath, options: { deleteUntagged: true }, safeToStop: true },
      lock: { pid: run.child.pid, isHeld: true },
      problems: [],
    });
    expect((await status()).stdout).toMatch(/^state: +running$/m);
    registry.release();
    expect((await run.result).exitCode).toBe(0);

    const after = await status("--json");
    expect(after.exitCode).toBe(3);
    const report = JSON.parse(after.stdout);
    expect(report).toMatchObject({
      state: "idle",
      degraded: false,
      last: { outcome: "done", exitCode: 0, deleted: { manifests: 1 }, found: { manifests: 2 } },
      lastSuccess: { id: report.last.id },
    });
    expect(report.run).toBeUndefined();
    expect(report.lock).toBeUndefined();
  });

  it("shows a run whose process is dead as killed, and is degraded until one succeeds", async () => {
    const run = startRun();
    await untilHeld();
    run.child.kill("SIGKILL");
    await run.result;
    const after = await status("--json");
    expect(after.exitCode).toBe(1);
    expect(JSON.parse(after.stdout)).toMatchObject({
      state: "idle",
      degraded: true,
      reasons: ["the last run was killed"],
      last: { outcome: "killed", pid: run.child.pid },
      lock: { isHeld: false },
    });
    registry.release();
    expect((await startRun().result).exitCode).toBe(0);
    expect((await status()).exitCode).toBe(3);
  });

  it("is degraded after a run that failed, and keeps the last success", async () => {
    registry.release();
    expect((await startRun().result).exitCode).toBe(0);
    await rm(join(rootDirectory, "docker/registry/v2/repositories"), { recursive: true });
    const failed = await startRun().result;
    expect(failed.exitCode, failed.stderr).toBe(12);
    const after = await status("--json");
    expect(after.exitCode).toBe(1);
    expect(JSON.parse(after.stdout)).toMatchObject({
      reasons: ["the last run failed"],
      last: { outcome: "failed", exitCode: 12, message: expect.stringContaining("no repository") },
      lastSuccess: { outcome: "done" },
    });
  });

  it("says nothing of a dry run, which takes no lock", async () => {
    const dryRun = await runGc("-m", "--dry-run", "--grace", "0s");
    expect(dryRun.exitCode, dryRun.stderr).toBe(0);
    expect((await status()).stdout).toContain("none is known");
  });

  it("is not disturbed by a second run that finds the store locked", async () => {
    const run = startRun();
    await untilHeld();
    const second = await runRegistryCtl([...gcArgs("-m"), "--force", "--textfile", join(folder, "gc.prom")]);
    expect(second.exitCode, second.stderr).toBe(12);
    expect(await readFile(join(folder, "gc.prom"), "utf8")).toMatch(/exit_code\{.*\} 12$/m);
    const skipped = await runRegistryCtl([...gcArgs("-m"), "--force", "--skip-if-locked"]);
    expect(skipped.exitCode, skipped.stderr).toBe(0);
    const during = JSON.parse((await status("--json")).stdout);
    expect(during).toMatchObject({ state: "running", run: { pid: run.child.pid } });
    expect(during.last).toBeUndefined();
    registry.release();
    expect((await run.result).exitCode).toBe(0);
  });

  it("refuses options of a collection, and takes ./status for a configuration file", async () => {
    const wrong = await status("--verify");
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain("--verify");
    await writeFile(join(folder, "status"), await readFile(configPath));
    const file = await runRegistryCtl(["garbage-collect", "--dry-run", "--state-dir", stateDir, "./status"], {
      cwd: folder,
    });
    expect(file.exitCode, file.stderr).toBe(0);
    expect(file.stdout).toContain("dry run");
  });
});

describeAsRoot("garbage-collect status for another user", () => {
  it("says that the state cannot be read, and falls back to the lock in the store", async () => {
    await chmod(folder, 0o755);
    const run = startRun();
    await untilHeld();
    const asNobody = await execa(
      process.execPath,
      [REGISTRY_CTL_PATH, "garbage-collect", "status", "--json", "--state-dir", stateDir, configPath],
      { uid: 65534, gid: 65534, reject: false, env: cleanEnvironment(), extendEnv: false, cwd: "/" },
    );
    expect(asNobody.exitCode, asNobody.stderr).toBe(0);
    const report = JSON.parse(asNobody.stdout);
    expect(report).toMatchObject({ state: "running", lock: { pid: run.child.pid, isHeld: true } });
    expect(report.problems[0]).toContain("cannot be read");
    expect(report.run).toBeUndefined();
    registry.release();
    await run.result;
  });
});

describe("garbage-collect stop", () => {
  it("ends a run of another terminal, which says what is left and exits with 0", async () => {
    const run = startRun();
    await untilHeld();
    const stop = startProgram("garbage-collect", "stop", "--json", "--state-dir", stateDir, configPath);
    await untilAsked(true);
    await untilAsked(false);
    registry.release();
    const [stopped, ended] = await Promise.all([stop.result, run.result]);
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/stopped, as somebody asked for it.*left for the next run: .*1 manifest/);
    expect(stopped.exitCode, stopped.stderr).toBe(0);
    expect(JSON.parse(stopped.stdout)).toMatchObject({
      schemaVersion: 1,
      command: "garbage-collect stop",
      outcome: "stopped",
      by: "request",
      run: { pid: run.child.pid },
      result: { outcome: "stopped", exitCode: 0 },
    });
    expect(await readdir(lockfiles())).toEqual([]);

    const again = await startRun().result;
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stdout).toContain("1 manifest,");
    expect(again.stdout).not.toContain("stopped");
  });

  it("has nothing to stop when nobody runs, and a request that is left behind stops no later run", async () => {
    const none = await runGcCommand("stop");
    expect(none.exitCode, none.stderr).toBe(0);
    expect(none.stdout).toContain("nothing to stop");
    await mkdir(lockfiles(), { recursive: true });
    await writeFile(join(lockfiles(), "registry-ctl.stop"), '{"token":"of an earlier run"}\n');
    const run = startRun();
    await untilHeld();
    await untilAsked(false);
    registry.release();
    const { exitCode, stdout } = await run.result;
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain("stopped");
  });

  it("gives up waiting in time, with exit code 1", async () => {
    const run = startRun();
    await untilHeld();
    const stop = await runGcCommand("stop", "--timeout", "1s");
    expect(stop.exitCode).toBe(1);
    expect(stop.stderr).toContain("still at work after 1 seconds");
    registry.release();
    expect((await run.result).exitCode).toBe(0);
  });

  it("lets the run go on where --read-only-store forbids the request", async () => {
    const run = startRun();
    await untilHeld();
    const stop = await runGcCommand("stop", "--read-only-store");
    expect(stop.exitCode, stop.stderr).toBe(11);
    registry.release();
    const { exitCode, stdout } = await run.result;
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain("stopped");
  });

  it("sends a signal where the request cannot be written", async () => {
    const run = startRun();
    await untilHeld();
    await mkdir(join(lockfiles(), "registry-ctl.stop", "in-the-way"), { recursive: true });
    const stop = startProgram("garbage-collect", "stop", "--state-dir", stateDir, configPath);
    await sleep(1000);
    registry.release();
    const [stopped, ended] = await Promise.all([stop.result, run.result]);
    expect(ended.exitCode, ended.stderr).toBe(143);
    expect(ended.stderr).toContain("nothing is half done");
    expect(stopped.exitCode, stopped.stderr).toBe(0);
    expect(stopped.stdout).toContain("stopped");
  });
});

describe("garbage-collect stopped by a signal", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s: says what is done, and exits with %s", async (signal, code) => {
    const run = startRun();
    await untilHeld();
    run.child.kill(signal);
    await sleep(200);
    registry.release();
    const { exitCode, stderr, stdout } = await run.result;
    expect(exitCode, stderr).toBe(code);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/stopped after deleting 0 manifests/);
    expect(stderr).toContain("run the command again");
    expect(JSON.parse((await status("--json")).stdout).last).toMatchObject({
      outcome: "stopped",
      exitCode: code,
    });
  });
});

describe("garbage-collect --until", () => {
  it("stops when the time has come, with exit code 0", async () => {
    registry.release();
    const now = new Date();
    // Late in a minute the next one would have begun when the program looks.
    if (now.getSeconds() > 40) await sleep((61 - now.getSeconds()) * 1000);
    const at = new Date();
    const result = await runGc(
      "-m",
      "--grace",
      "0s",
      "--until",
      `${at.getHours()}:${String(at.getMinutes()).padStart(2, "0")}`,
    );
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stderr).toContain("which is now");
    expect(result.stdout).toContain("stopped, as its time was up");
    expect(JSON.parse((await status("--json")).stdout).last).toMatchObject({
      outcome: "stopped",
      exitCode: 0,
    });
  });

  it.each(["25:00", "7", "07:60", "morning", ""])("does not take %j for a time", async (time) => {
    const result = await runGc("--until", time);
    expect(result.exitCode).toBe(2);
    expect(result.stdout).toBe("");
  });
});

describe("garbage-collect --textfile", () => {
  it("writes the success, and keeps its time when a later run fails", async () => {
    registry.release();
    const file = join(folder, "gc.prom");
    const args = ["-m", "--grace", "0s", "--textfile", file];
    expect((await runGc(...args)).exitCode).toBe(0);
    const first = await readFile(file, "utf8");
    expect(first).toMatch(/^registry_ctl_gc_last_run_exit_code\{store="[^"]+registry"\} 0$/m);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    await rm(join(rootDirectory, "docker/registry/v2/repositories"), { recursive: true });
    for (const state of [stateDir, join(folder, "another-state")]) {
      const failed = await runRegistryCtl(["garbage-collect", "--state-dir", state, ...args, configPath]);
      expect(failed.exitCode).toBe(12);
      const second = await readFile(file, "utf8");
      expect(second).toMatch(/^registry_ctl_gc_last_run_exit_code\{.*\} 12$/m);
      const success = /^registry_ctl_gc_last_success_timestamp_seconds.*$/m;
      expect(second.match(success)?.[0]).toBe(first.match(success)?.[0]);
    }
    expect((await readdir(folder)).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("replaces a planted link instead of following it", async () => {
    registry.release();
    const victim = join(folder, "victim");
    await writeFile(victim, "precious");
    await symlink(victim, join(folder, "gc.prom"));
    const result = await runGc("--textfile", join(folder, "gc.prom"));
    expect(result.exitCode, result.stderr).toBe(0);
    expect(await readFile(victim, "utf8")).toBe("precious");
    expect(await readFile(join(folder, "gc.prom"), "utf8")).toContain("registry_ctl_gc_last_run");
  });

  it("replaces nothing but its own file", async () => {
    registry.release();
    const config = await readFile(configPath, "utf8");
    const result = await runGc("-m", "--grace", "0s", "--textfile", configPath);
    expect(result.exitCode, result.stderr).toBe(2);
    expect(result.stderr).toContain("something else than metrics");
    expect(await readFile(configPath, "utf8")).toBe(config);
    await writeFile(join(folder, "empty.prom"), "");
    expect((await runGc("--textfile", join(folder, "empty.prom"))).exitCode).toBe(0);
  });

  it.each(["missing/gc.prom", ".", "x".repeat(300), "file/gc.prom"])(
    "refuses %s before anything is deleted",
    async (path) => {
      registry.release();
      await writeFile(join(folder, "file"), "");
      const result = await runGc("-m", "--grace", "0s", "--textfile", join(folder, path));
      expect(result.exitCode, result.stderr).toBe(2);
      expect(result.stderr).toMatch(/text file|is no file/);
      expect((await runGc("-m", "--grace", "0s", "--dry-run", "--json")).stdout).toContain('"manifests":1');
    },
  );
});

describeAsRoot("garbage-collect --textfile by root on a store of another user", () => {
  it("writes where only root may, although it becomes that user", async () => {
    registry.release();
    await chmod(folder, 0o755);
    await execa("chown", ["-R", "65534:65534", rootDirectory]);
    const metrics = join(folder, "metrics");
    await mkdir(metrics, { mode: 0o755 });
    const result = await runGc("-m", "--grace", "0s", "--textfile", join(metrics, "gc.prom"));
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stderr).toContain("running as user");
    expect(result.stderr).not.toContain("warning");
    const info = await stat(join(metrics, "gc.prom"));
    expect([info.uid, info.mode & 0o777]).toEqual([0, 0o644]);
    expect(await readFile(join(metrics, "gc.prom"), "utf8")).toContain("last_success_timestamp_seconds{");
    expect((await status()).exitCode).toBe(3);
    expect((await status()).stdout).toContain("done");
  });
});

describe("garbage-collect --verify", () => {
  it("proves that everything is complete, or exits with 4", async () => {
    registry.release();
    const good = await runGc("-m", "--grace", "0s", "--verify", "--json");
    expect(good.exitCode, good.stderr).toBe(0);
    expect(JSON.parse(good.stdout).verified).toMatchObject({ complete: true, problems: 0 });
    const files = await readdir(join(rootDirectory, "docker/registry/v2/blobs"), { recursive: true });
    const victim = files.find((name) => name.endsWith("/data"));
    await rm(join(rootDirectory, "docker/registry/v2/blobs", victim ?? ""));
    for (const dryRun of [[], ["--dry-run"]]) {
      const bad = await runGc("--grace", "0s", "--verify", ...dryRun);
      expect(bad.exitCode, bad.stderr).toBe(4);
      expect(bad.stdout).toContain("NOT complete");
    }
    expect((await status()).exitCode).toBe(1);
  });
});

describeWithPrograms(["script"], "garbage-collect on a terminal", () => {
  it("shows no colour where NO_COLOR forbids it", async () => {
    const command = [process.execPath, REGISTRY_CTL_PATH, ...gcArgs("-m", "--yes")].join(" ");
    const terminal = execa(
      programPath("script"),
      ["-qec", `stty rows 24 columns 120; exec ${command}`, "/dev/null"],
      {
        env: { ...cleanEnvironment(), NO_COLOR: "1", TERM: "xterm" },
        extendEnv: false,
        reject: false,
        timeout: 60_000,
      },
    );
    await untilHeld();
    registry.release();
    const { stdout } = await terminal;
    expect(stdout).toContain("safe to stop");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how a colour begins
    expect(stdout).not.toMatch(/\u001b\[[\d;]*m/);
  });

  it("shows how far it is, and a question does not keep it from being stopped", async () => {
    registry.release();
    const command = [process.execPath, REGISTRY_CTL_PATH, ...gcArgs("-m")].join(" ");
    const terminal = execa(
      programPath("script"),
      ["-qec", `stty rows 24 columns 120; exec ${command}`, "/dev/null"],
      {
        env: cleanEnvironment(),
        extendEnv: false,
        reject: false,
        timeout: 60_000,
      },
    );
    let shown = "";
    terminal.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
    });
    await untilRun(async () => /\(y\/N/i.test(shown));
    const during = await status("--json");
    expect(JSON.parse(during.stdout)).toMatchObject({
      state: "running",
      run: { progress: { phase: "waiting for an answer" } },
    });
    const stop = await runGcCommand("stop");
    expect(stop.exitCode, stop.stderr).toBe(0);
    const { exitCode } = await terminal;
    expect(exitCode, shown.slice(-2000)).toBe(0);
    expect(shown).toContain("safe to stop");
    expect(shown).toContain("stopped, as somebody asked for it");
  });

  it("stops in an orderly way when its terminal is closed", async () => {
    const command = [process.execPath, REGISTRY_CTL_PATH, ...gcArgs("-m", "--yes")].join(" ");
    const line = `stty rows 24 columns 120; exec ${command}`;
    const terminal = spawn(programPath("script"), ["-qec", line, "/dev/null"], {
      env: cleanEnvironment(),
      stdio: ["pipe", "ignore", "ignore"],
    });
    await untilHeld();
    terminal.kill("SIGKILL");
    await sleep(500);
    registry.release();
    await untilRun(async () => (await status()).exitCode !== 0);
    expect(JSON.parse((await status("--json")).stdout).last).toMatchObject({
      outcome: "stopped",
      exitCode: 129,
    });
  });
});

function lockfiles(): string {
  return join(rootDirectory, "docker/registry/lockfiles");
}

function gcArgs(...args: string[]): string[] {
  return ["garbage-collect", ...args, "--grace", "0s", "--state-dir", stateDir, configPath];
}

function runGc(...args: string[]): Promise<ProgramResult> {
  return runRegistryCtl(["garbage-collect", ...args, "--state-dir", stateDir, configPath]);
}

function runGcCommand(...args: string[]): Promise<ProgramResult> {
  return runRegistryCtl(["garbage-collect", ...args, "--state-dir", stateDir, configPath]);
}

function status(...args: string[]): Promise<ProgramResult> {
  return runGcCommand("status", ...args);
}

interface Started {
  child: ChildProcess;
  result: Promise<ProgramResult>;
}

function startRun(): Started {
  return startProgram(...gcArgs("-m"));
}

function startProgram(...args: string[]): Started {
  const child = spawn(process.execPath, [REGISTRY_CTL_PATH, ...args], {
    env: cleanEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<number | undefined>((resolve) =>
    child.once("close", (code) => resolve(code ?? undefined)),
  );
  const result = Promise.all([text(child.stdout), text(child.stderr), ended]).then(
    ([stdout, stderr, exitCode]) => ({ stdout, stderr, exitCode }),
  );
  return { child, result };
}

/** The run holds the lock, has planned, and asks once more whether the registry takes writes. */
function untilHeld(): Promise<void> {
  return untilRun(async () => registry.held > 0);
}

/** A run removes a request to stop when it has seen it. */
function untilAsked(isAsked: boolean): Promise<void> {
  return untilRun(async () => (await readdir(lockfiles())).includes("registry-ctl.stop") === isAsked);
}

async function untilRun(isSo: () => Promise<boolean>): Promise<void> {
  const started = Date.now();
  while (!(await isSo())) {
    if (Date.now() - started > 25_000) throw new Error("what was waited for has not come to be");
    await sleep(20);
  }
}
