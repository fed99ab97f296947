import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serverName } from "../../src/process/control/runtime-folder.ts";
import { settingsFor } from "../integration/process/settings-for.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH } from "../support/serve-process.ts";
import { makeServiceWorld, type ServiceWorld } from "../support/service-world.ts";

const STARTED = /^started: process (\d+) in the background at http:\/\/127\.0\.0\.1:\d+\/?\nlog: {5}(\S+)$/;

async function start(world: ServiceWorld): Promise<{ pid: number; log: string }> {
  const { stdout, stderr, exitCode } = await world.run("start");
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const [, pid, log = ""] = STARTED.exec(stdout) ?? [];
  expect(stdout).toMatch(STARTED);
  return { pid: Number(pid), log };
}

describe("a server in the background", () => {
  it("is started, looked at and stopped, each as often as one likes", async () => {
    const world = await makeServiceWorld();
    expect(await world.run("status")).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/^state: +not running$/m),
    });
    expect(await world.run("stop")).toMatchObject({ exitCode: 0, stdout: "not running" });
    const { pid } = await start(world);
    expect(await world.answer()).toBe(200);
    const again = await world.run("start");
    expect(again).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(`^runs already: process ${pid} at `),
    });
    const status = await world.run("status");
    expect(status.stderr).toBe(`config: ${world.config}\nstore:  filesystem ${world.store}`);
    expect(status.exitCode).toBe(0);
    for (const line of [
      /^state: +running$/m,
      new RegExp(`^server: +process ${pid}, version`, "m"),
      /^read-only: +no$/m,
    ])
      expect(status.stdout).toMatch(line);
    expect(await world.run("stop")).toMatchObject({
      exitCode: 0,
      stdout: `stopped: process ${pid} has ended`,
    });
    expect(await world.answer()).toBeUndefined();
    expect((await world.run("status")).exitCode).toBe(3);
  });

  it("tells all of itself as JSON", async () => {
    const world = await makeServiceWorld();
    expect(JSON.parse((await world.run("status", "--json")).stdout)).toMatchObject({
      state: "stopped",
      others: [],
    });
    const started = JSON.parse((await world.run("start", "--json", "--workers", "2")).stdout);
    expect(started).toMatchObject({
      schemaVersion: 1,
      command: "start",
      outcome: "started",
      by: "background",
    });
    const { stdout, stderr } = await world.run("status", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ schemaVersion: 1, command: "status", state: "running", reasons: [], problems: [], others: [] },
      config: { file: world.config },
      store: world.store,
      server: {
        pid: started.pid,
        uploadsInFlight: 0,
        workers: [{ state: "listening" }, { state: "listening" }],
      },
      readOnly: { on: false, by: "socket" },
      drift: { keys: [], lines: [] },
      collections: { state: "idle" },
    });
    expect(stderr).not.toContain("warning");
    expect(JSON.parse((await world.run("stop", "--json")).stdout)).toMatchObject({
      ...{ command: "stop", outcome: "stopped", by: "socket", pid: started.pid },
    });
  });

  it("gets new workers without a failed request", async () => {
    const world = await makeServiceWorld();
    const { pid } = await start(world);
    let failed = 0;
    let asking = true;
    const asked = (async () => {
      while (asking) if ((await world.answer()) !== 200) failed++;
    })();
    const restarted = await world.run("restart");
    asking = false;
    await asked;
    expect(restarted).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(
        `^restarted: process ${pid} has \\d+ new workers? \\([\\d, ]+\\); no request was dropped$`,
      ),
    });
    expect(failed).toBe(0);
  });

  it("shows how file and process differ, and reads its configuration again", async () => {
    const world = await makeServiceWorld();
    await start(world);
    const text = readFileSync(world.config, "utf8");
    writeFileSync(world.config, text.replace("log:\n", "log:\n  level: debug\n"));
    const drifted = await world.run("status");
    expect(drifted).toMatchObject({ exitCode: 0 });
    expect(drifted.stdout).toContain(
      'log.level is info in the server and debug in the file; "registry-ctl reload" applies it',
    );
    expect((await world.run("reload", "--dry-run")).stdout).toContain(
      "nothing was changed: this is a dry run",
    );
    expect(await world.run("reload")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^log\.level +info +debug +live$/m),
    });
    expect((await world.run("status")).stdout).toMatch(/^drift: +none is known$/m);
    writeFileSync(world.config, text.replace("log:\n", "log:\n  levle: debug\n"));
    expect(await world.run("reload")).toMatchObject({ exitCode: 0 });
    writeFileSync(world.config, text.replace("addr:", "addr: [1]\n  bddr:"));
    const refused = await world.run("reload");
    expect(refused).toMatchObject({ exitCode: 10, stdout: "" });
    expect(refused.stderr).toMatch(/config\.yml:\d+:\d+: /);
    expect(await world.answer()).toBe(200);
  });

  it("is found by its configuration file where that names another store by now", async () => {
    const world = await makeServiceWorld();
    const { pid } = await start(world);
    const text = readFileSync(world.config, "utf8");
    writeFileSync(
      world.config,
      text.replace(world.store, `${world.store}-2`).replace("log:\n", "log:\n  level: debug\n"),
    );
    const { stdout, exitCode } = await world.run("status");
    expect({ stdout, exitCode }).toMatchObject({ exitCode: 1 });
    expect(stdout).toMatch(/^state: +running, degraded$/m);
    expect(stdout).toContain(`process ${pid}, version`);
    expect(stdout).toContain(
      `the server (process ${pid}) works on ${world.store}, and the file names another store`,
    );
    expect(JSON.parse((await world.run("status", "--json")).stdout)).toMatchObject({
      others: [],
      server: { pid },
    });
    const reloaded = await world.run("reload");
    expect(reloaded).toMatchObject({ exitCode: 12, stdout: "" });
    expect(reloaded.stderr).toMatch(
      /^error: the configuration names another store, .*: the server takes that only while it is read-only/m,
    );
    writeFileSync(world.config, text);
    const readonly = (what: string) =>
      runRegistryCtl(["readonly", what, "--yes", "--state-dir", world.stateDir, world.config], {
        env: world.env,
      });
    expect(await readonly("on")).toMatchObject({ exitCode: 0 });
    writeFileSync(world.config, text.replace(world.store, `${world.store}-2`));
    const other = await world.run("reload");
    expect(other).toMatchObject({ exitCode: 0 });
    expect(other.stdout).toMatch(
      /^storage\.filesystem\.rootdirectory .* while read-only, with new workers$/m,
    );
    expect(other.stdout).toContain("it works on the other store, and is read-only as before");
    // By the other store's place, and by no command for the old one.
    expect(await readonly("off")).toMatchObject({ exitCode: 0 });
    expect((await world.run("status")).exitCode).toBe(0);
    writeFileSync(world.config, text);
    expect((await readonly("on")).exitCode).not.toBe(0);
    writeFileSync(world.config, text.replace(world.store, `${world.store}-2`));
    expect((await world.run("stop")).exitCode).toBe(0);
  });

  it("says with its log why it does not serve, and leaves nothing behind", async () => {
    const world = await makeServiceWorld();
    const blocker = createServer().listen(world.port, "127.0.0.1");
    await once(blocker, "listening");
    try {
      const { stdout, stderr, exitCode } = await world.run("start");
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
      expect(stderr).toContain(
        "error: the server ended with exit code 1 before it served\nits last lines:\n",
      );
      expect(stderr).toContain(`cannot listen on 127.0.0.1:${world.port}`);
      expect((await world.run("status")).exitCode).toBe(3);
    } finally {
      blocker.close();
    }
  });

  it("goes on serving where its control socket cannot be made", async () => {
    const world = await makeServiceWorld();
    const addr = `127.0.0.1:${world.port}`;
    const name = serverName(settingsFor(world.store, addr));
    const inTheWay = join(world.folder, "run", "registry-ctl", name, "control.sock");
    mkdirSync(inTheWay, { recursive: true, mode: 0o700 });
    const { stdout, stderr, exitCode } = await world.run("start");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(await world.answer()).toBe(200);
    const [, pid] = /process (\d+) is left serving/.exec(stderr) ?? [];
    expect(stderr).toContain("commands cannot speak to this server");
    expect(stderr).toContain("is there, and no socket");
    process.kill(Number(pid), "SIGTERM");
    await expect.poll(() => world.answer(), { timeout: 60_000 }).toBeUndefined();
  });

  it("ends with the server's own exit code where its configuration is refused", async () => {
    const world = await makeServiceWorld();
    world.configure("validation:\n  manifests:\n    urls:\n      allow: [a]\n");
    expect(await world.run("start")).toMatchObject({
      exitCode: 10,
      stderr: expect.stringContaining("validation"),
    });
  });

  it("is there once however many start it", async () => {
    const world = await makeServiceWorld();
    const started = await Promise.all([world.run("start"), world.run("start")]);
    const told = started.map(({ exitCode, stderr }) => `${exitCode}: ${stderr}`).join("\n");
    const exitCodes = started.map(({ exitCode }) => exitCode);
    expect(exitCodes, told).toContain(0);
    // The one whose server gave way says so.
    expect([0, 12], told).toEqual(expect.arrayContaining(exitCodes));
    const { stdout } = await world.run("status", "--json");
    expect(JSON.parse(stdout).others, `${told}\n${stdout}`).toEqual([]);
  });

  it("is found dead after a kill, and started again", async () => {
    const world = await makeServiceWorld();
    const { pid } = await start(world);
    process.kill(pid, "SIGKILL");
    await expect.poll(async () => (await world.run("status")).exitCode, { timeout: 60_000 }).toBe(3);
    await start(world);
    expect(await world.answer()).toBe(200);
  });

  it("leaves no server behind when its start is interrupted", async () => {
    const world = await makeServiceWorld();
    // What it says first comes before the server is started, or while that is waited for.
    const args = ["start", world.config, "--state-dir", world.stateDir, "--ctl-config", world.ctlConfig];
    const child = spawn(process.execPath, [REGISTRY_CTL_PATH, ...args], {
      env: { ...cleanEnvironment(), ...world.env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    await once(child.stderr, "data");
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    if (code === 130) expect(await world.answer()).toBeUndefined();
    // It was ready before the signal came.
    else expect(code).toBe(0);
  });

  it("shows its log, with what is added", async () => {
    const world = await makeServiceWorld();
    const { log } = await start(world);
    const shown = await world.run("tail", "-n", "1");
    expect(shown).toMatchObject({
      exitCode: 0,
      stdout: readFileSync(log, "utf8").trimEnd().split("\n").at(-1),
    });
    expect(shown.stderr).toContain(`log:    ${log}`);
    const args = [
      "tail",
      "-f",
      "-n",
      "0",
      world.config,
      "--state-dir",
      world.stateDir,
      "--ctl-config",
      world.ctlConfig,
    ];
    const follower = spawn(process.execPath, [REGISTRY_CTL_PATH, ...args], {
      env: { ...cleanEnvironment(), ...world.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    follower.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    await once(follower.stderr, "data");
    const reloaded = async () => {
      await world.run("reload");
      return text;
    };
    await expect.poll(reloaded, { timeout: 60_000 }).toContain("configuration was read again");
    follower.kill("SIGINT");
    expect(await once(follower, "exit")).toEqual([130, null]);
    await world.run("stop");
    expect(await world.run("tail", "-n", "1")).toMatchObject({ exitCode: 0 });
    expect(await world.run("tail", "--json")).toMatchObject({ exitCode: 2, stdout: "" });
  });

  it("says that there is no log yet", async () => {
    const world = await makeServiceWorld();
    expect(await world.run("tail")).toMatchObject({
      exitCode: 12,
      stdout: "",
      stderr: expect.stringContaining("does not run"),
    });
  });

  it("is started by what --service says in its place", async () => {
    const world = await makeServiceWorld();
    const commands = join(world.folder, "ctl.sh");
    writeFileSync(commands, "exit 7\n");
    const failed = await world.run("start", "--service", `command:sh ${commands}`);
    expect(failed).toMatchObject({ exitCode: 1, stdout: "" });
    expect(failed.stderr).toContain("exit code 7");
    expect(await world.run("start", "--service", "upstart:x")).toMatchObject({ exitCode: 2 });
  });
});

describeWithPrograms(["script"], "a server in the background, from a terminal", () => {
  it("outlives the terminal, and is looked after from others", async () => {
    const world = await makeServiceWorld();
    const { config, stateDir, ctlConfig, env } = world;
    const on = (command: string, ...more: string[]) =>
      runOnTerminal([command, config, "--state-dir", stateDir, ...more], { env });
    const service = ["--ctl-config", ctlConfig];
    const started = await on("start", ...service);
    expect(started).toMatchObject({ exitCode: 0, shown: expect.stringMatching(/started: process \d+ in/) });
    expect(await world.answer()).toBe(200);
    const status = await on("status", ...service);
    expect(status).toMatchObject({ exitCode: 0, shown: expect.stringMatching(/^state: +running$/m) });
    const restarted = await on("restart", ...service);
    expect(restarted).toMatchObject({ exitCode: 0, shown: expect.stringContaining("restarted") });
    world.configure("gc:\n  interval: 2h\n");
    const reloaded = await on("reload");
    expect(reloaded).toMatchObject({ exitCode: 0, shown: expect.stringContaining("gc.interval") });
    const tail = await runOnTerminal(["tail", config, "--state-dir", stateDir, ...service, "--follow"], {
      env,
      answers: [[/listening on/, "\u0003"]],
    });
    expect(tail).toMatchObject({ exitCode: 130, shown: expect.stringContaining("listening on") });
    expect(await world.answer()).toBe(200);
    expect(await on("stop", ...service)).toMatchObject({ exitCode: 0 });
    expect(await world.answer()).toBeUndefined();
  });
});
