import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ChildRecords } from "../../../../src/process/collector/child-records.ts";
import { currentMachine } from "../../../../src/process/machine/run-process.ts";
import { silentLogger } from "../../../support/silent-logger.ts";

const SOON = { endMs: 50, killMs: 10_000 };

describe("ChildRecords", () => {
  let folder: string;

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), "registry-ctl-children-")), "children");
  });

  afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

  /** @param pid - of the server that writes the records */
  function recordsOf(pid: number, startOf = currentMachine().startOf): ChildRecords {
    return new ChildRecords({ folder, machine: { ...currentMachine(), pid, startOf }, logger: silentLogger });
  }

  /** Processes of a server that is dead: it lived when it wrote them down. */
  function ofDeadServer(): ChildRecords {
    const { startOf } = currentMachine();
    return recordsOf(999_999_999, (pid) => (pid === 999_999_999 ? "1" : startOf(pid)));
  }

  function startProcess(): { pid: number; ended: Promise<unknown> } {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    return { pid: child.pid ?? 0, ended: once(child, "exit") };
  }

  it("ends a process that a dead server has left and that does not end by itself", async () => {
    const orphan = startProcess();
    ofDeadServer().add(orphan.pid);
    await recordsOf(process.pid).endOrphans(SOON);
    expect(await orphan.ended).toEqual([null, "SIGKILL"]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("leaves the processes of a server that lives alone", async () => {
    const worker = startProcess();
    recordsOf(process.ppid).add(worker.pid);
    await recordsOf(process.pid).endOrphans(SOON);
    expect(currentMachine().isAlive(worker.pid)).toBe(true);
    expect(readdirSync(folder)).toEqual([`${worker.pid}.json`]);
  });

  it("does not take a process for one that had its number before", async () => {
    const other = startProcess();
    recordsOf(999_999_999, () => "1").add(other.pid);
    await recordsOf(process.pid).endOrphans(SOON);
    expect(currentMachine().isAlive(other.pid)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("takes nobody for alive whose parent has only not asked how it ended", async () => {
    // The shell becomes a program that asks for no child.
    const keeper = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => void keeper.kill("SIGKILL"));
    const zombie = Number(String((await once(keeper.stdout, "data"))[0]));
    while (!readFileSync(`/proc/${zombie}/stat`, "utf8").includes(") Z ")) await sleep(5);
    const orphan = startProcess();
    recordsOf(zombie).add(orphan.pid);
    ofDeadServer().add(zombie);
    await recordsOf(process.pid).endOrphans({ endMs: 50, killMs: 1_000 });
    expect(await orphan.ended).toEqual([null, "SIGKILL"]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("knows as long as a process works that it could not write down", () => {
    writeFileSync(folder, "no folder");
    const records = recordsOf(process.pid);
    expect(records.isComplete).toBe(true);
    records.add(process.ppid);
    expect(records.isComplete).toBe(false);
    rmSync(folder);
    records.remove(process.ppid);
    expect(records.isComplete).toBe(true);
  });

  it("passes over what another boot, or a crash, has left", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "1.json"), "{");
    writeFileSync(
      join(folder, "2.json"),
      JSON.stringify({ bootId: "another", pidNamespace: "x", child: { pid: 1 }, parent: { pid: 2 } }),
    );
    await recordsOf(process.pid).endOrphans(SOON);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("forgets a process that has ended, and needs no folder", async () => {
    const worker = startProcess();
    const records = recordsOf(process.pid);
    records.add(worker.pid);
    records.remove(worker.pid);
    expect(readdirSync(folder)).toEqual([]);
    const nowhere = new ChildRecords({ folder: undefined, machine: currentMachine(), logger: silentLogger });
    nowhere.add(worker.pid);
    await nowhere.endOrphans();
  });
});
