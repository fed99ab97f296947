import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { currentDutyHolder } from "../../src/process/duties/open-duties.ts";
import { Duties } from "../../src/state/duties.ts";
import type { Duty } from "../../src/state/duty.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { makeServiceWorld, type ServiceWorld } from "../support/service-world.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Of a boot that is over, so that whatever was left behind is due. */
const EARLIER_BOOT = { bootId: "00000000-0000-0000-0000-000000000000", pidNamespace: "pid:[1]", pid: 1 };

function leaveBehind(world: ServiceWorld, undo: Duty["undo"], more: Partial<Duty> = {}): void {
  const user = { uid: process.getuid?.() ?? 0, home: world.folder, env: {} };
  new Duties({ stateDir: world.stateDir, user }).add({
    ...{ reason: "garbage-collect --mode offline", by: "alice", store: world.store },
    madeAt: new Date(Date.now() - 3_600_000).toISOString(),
    place: {
      ...{ config: world.config, cwd: world.folder, stateDir: world.stateDir, envFrom: [] },
      addresses: [{ addr: `127.0.0.1:${world.port}`, net: "tcp", prefix: "/", tls: false }],
    },
    undo,
    ...more,
  });
}

function recover(world: ServiceWorld, ...args: string[]) {
  return runRegistryCtl(["recover", "--state-dir", world.stateDir, ...args], { env: world.env });
}

describe("recover", () => {
  it("has nothing to do where nothing was left", async () => {
    const world = await makeServiceWorld();
    expect(await recover(world)).toEqual({ exitCode: 0, stdout: "nothing was left half done", stderr: "" });
    expect(existsSync(world.stateDir)).toBe(false);
  });

  it("leaves alone what is not over, and says so", async () => {
    const world = await makeServiceWorld();
    const until = new Date(Date.now() + 3_600_000).toISOString();
    leaveBehind(world, { kind: "stop", service: "command:false" }, { until });
    const { stdout, exitCode } = await recover(world);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^kept: it lasts until /);
    expect((await world.run("status")).stdout).toMatch(
      /^for a time: +the registry was stopped until .* by alice/m,
    );
  });

  it("leaves alone what a living process has stopped, which nobody may start meanwhile", async () => {
    const world = await makeServiceWorld();
    leaveBehind(world, { kind: "stop", service: "command:false" }, { holder: currentDutyHolder() });
    expect(await recover(world)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^kept: it is not over yet/),
    });
    for (const command of ["start", "restart"]) {
      const { stdout, stderr, exitCode } = await world.run(command);
      expect({ command, stdout, exitCode }).toEqual({ command, stdout: "", exitCode: 12 });
      expect(stderr).toContain(`process ${process.pid} of alice has stopped the registry for its time`);
    }
    expect(await world.answer()).toBeUndefined();
  });

  it("tells what it could not bring back, and keeps it for the next time", async () => {
    const world = await makeServiceWorld();
    const holder = { host: hostname(), ...EARLIER_BOOT };
    leaveBehind(world, { kind: "stop", service: "command:exit 9 #" }, { holder });
    const failed = await recover(world, "--json");
    expect(failed.exitCode).toBe(3);
    const report = JSON.parse(failed.stdout);
    expect(report).toMatchObject({ schemaVersion: 1, command: "recover", failures: 1 });
    expect(report.duties).toEqual([
      expect.objectContaining({
        outcome: "failed",
        message: expect.stringContaining("exit code 9"),
        store: world.store,
      }),
    ]);
    const status = await world.run("status");
    expect(status.exitCode).toBe(3);
    expect(status.stdout).toContain('something was left half done: run "registry-ctl recover"');
    expect(status.stdout).toMatch(
      /^left behind: +the registry was stopped by alice \(garbage-collect --mode offline\)$/m,
    );
  });

  it("writes a unit for every boot, with a diff first, and once", async () => {
    const world = await makeServiceWorld();
    const root = await temporaryFolder();
    const install = (...args: string[]) => recover(world, "--install", "--prefix-dir", root, ...args);
    const unit = join(root, "etc/systemd/system/registry-ctl-recover.service");
    expect(await install("--dry-run")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("+ExecStart="),
    });
    expect(existsSync(unit)).toBe(false);
    expect(await install()).toMatchObject({ exitCode: 2, stdout: "" });
    const installed = await install("--yes");
    expect(installed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`written: ${unit}`) });
    expect(installed.stdout).toContain("systemctl enable registry-ctl-recover.service");
    expect(readFileSync(unit, "utf8")).toContain(`recover --state-dir ${world.stateDir}\n`);
    expect((await install("--yes")).stdout).toBe("nothing to change: it is installed");
    expect(await recover(world, "--prefix-dir", root)).toMatchObject({ exitCode: 2 });
  });
});

describeWithPrograms(["docker-registry"], "recover, with the Go registry", () => {
  it("starts what was stopped before a reboot, and does nothing the next time", async () => {
    const world = await makeServiceWorld();
    const [script, pid] = [join(world.folder, "registry.sh"), join(world.folder, "pid")];
    writeFileSync(
      script,
      `case $1 in
start) "${programPath("docker-registry")}" serve "${world.config}" >/dev/null 2>&1 & echo $! >"${pid}" ;;
stop) kill "$(cat "${pid}")"; rm "${pid}" ;;
status) test -e "${pid}" || exit 3 ;;
esac
`,
    );
    const service = `command:sh ${script}`;
    leaveBehind(world, { kind: "stop", service }, { holder: { host: hostname(), ...EARLIER_BOOT } });
    const looked = await recover(world, "--dry-run");
    expect(looked.stdout).toMatch(/^would be undone: /);
    expect(await world.answer()).toBeUndefined();
    const { stdout, exitCode } = await recover(world);
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^undone: the registry runs again/),
    });
    expect(await world.answer()).toBe(200);
    expect((await recover(world)).stdout).toBe("nothing was left half done");
    expect(await world.run("stop", "--service", service)).toMatchObject({ exitCode: 0 });
  });
});

describeWithPrograms(["systemd-analyze"], "the unit of recover", () => {
  it("is a unit that systemd understands", async () => {
    const root = await temporaryFolder();
    await runRegistryCtl([
      "recover",
      "--install",
      "--prefix-dir",
      root,
      "--yes",
      "--state-dir",
      join(root, "state"),
    ]);
    const unit = join(root, "etc/systemd/system/registry-ctl-recover.service");
    const { exitCode, stderr } = await execa(programPath("systemd-analyze"), ["verify", "--man=no", unit], {
      reject: false,
    });
    expect({
      exitCode,
      stderr: stderr.split("\n").filter((line) => line.includes("registry-ctl-recover")),
    }).toEqual({
      ...{ exitCode: 0, stderr: [] },
    });
  });
});

describeWithPrograms(["script"], "recover on a terminal", () => {
  it("does without asking what is due, and asks before it writes a unit", async () => {
    const world = await makeServiceWorld();
    const { env } = world;
    const holder = { host: hostname(), ...EARLIER_BOOT };
    leaveBehind(world, { kind: "stop", service: "command:exit 9 #" }, { holder });
    const recovering = ["recover", "--state-dir", world.stateDir];
    const failed = await runOnTerminal(recovering, { env });
    expect(failed).toMatchObject({ exitCode: 3, shown: expect.stringContaining("exit code 9") });
    const root = await temporaryFolder();
    const install = [...recovering, "--install", "--prefix-dir", root];
    const unit = join(root, "etc/systemd/system/registry-ctl-recover.service");
    expect(await runOnTerminal(install, { answer: "n", env })).toMatchObject({ exitCode: 130 });
    expect(existsSync(unit)).toBe(false);
    expect(await runOnTerminal(install, { answer: "y", env })).toMatchObject({ exitCode: 0 });
    expect(existsSync(unit)).toBe(true);
  });
});
