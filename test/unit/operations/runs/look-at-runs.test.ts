import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { lookAtRuns, type RunsReport } from "../../../../src/operations/runs/look-at-runs.ts";
import type { Machine } from "../../../../src/operations/runs/run-liveness.ts";
import type { RunHistory } from "../../../../src/state/run-history.ts";
import type { RunResult, RunStatus } from "../../../../src/state/run-record.ts";
import { STORE_LOCK_PATH } from "../../../../src/state/store-lock.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const HERE = { host: "here", bootId: "boot-1", pidNamespace: "pid:[1]", pid: 7 };

describe("lookAtRuns", () => {
  it("knows of nothing where nothing has happened", async () => {
    expect(await look({})).toEqual({
      schemaVersion: 1,
      command: "garbage-collect status",
      state: "idle",
      degraded: false,
      reasons: [],
      problems: [],
    });
  });

  it("shows a run of this machine whose process lives", async () => {
    const report = await look({ history: { run: status() } });
    expect(report).toMatchObject({ state: "running", run: { pid: 7 } });
  });

  it("believes a server where the run's own state cannot be read", async () => {
    const collection = { id: "1", startedAt: "2026-03-01T11:59:00.000Z", phase: "deleting blobs" };
    const about = (history: Partial<RunHistory>, askServer: () => Promise<typeof collection>) =>
      lookAtRuns({
        driver: new MemoryDriver(),
        machine: machineWith({}),
        readHistory: () => ({ unread: [], ...history }),
        askServer,
        nowMs: () => NOW,
      });
    expect(await about({}, async () => collection)).toMatchObject({ state: "running", server: collection });
    expect((await about({ run: status() }, async () => collection)).server).toBeUndefined();
    expect(await about({}, () => Promise.reject(new Error("gone")))).toMatchObject({ state: "idle" });
  });

  it("takes a run for killed when its process is gone, or another one has its number", async () => {
    for (const machine of [{ isAlive: () => false }, { startOf: () => "2" }]) {
      const report = await look({ history: { run: status({ processStart: "1" }) }, machine });
      expect(report).toMatchObject({ state: "idle", degraded: true, last: { outcome: "killed" } });
      expect(report.run).toBeUndefined();
    }
  });

  it("looks once more before it takes a run for killed that has just ended", async () => {
    let reads = 0;
    const driver = new MemoryDriver();
    const report = await lookAtRuns({
      driver,
      machine: machineWith({ isAlive: () => false }),
      readHistory: () => ({ unread: [], ...(reads++ === 0 ? { run: status() } : { last: result() }) }),
      nowMs: () => NOW,
    });
    expect(report).toMatchObject({ state: "idle", degraded: false, last: { outcome: "done" } });
  });

  it("believes the lock of a run on another host as long as its lease runs", async () => {
    const there = { host: "there", bootId: "boot-2" };
    const running = await look({ lock: { ...there, leaseUntil: "2026-03-01T12:05:00Z" } });
    expect(running).toMatchObject({ state: "running", lock: { host: "there", isHeld: true } });
    const over = await look({ lock: { ...there, leaseUntil: "2026-03-01T11:50:00Z" } });
    expect(over).toMatchObject({ state: "idle", lock: { isHeld: false } });
    const known = await look({ history: { run: status(there) }, lock: there });
    expect(known).toMatchObject({ state: "running", run: { host: "there" } });
    const dead = await look({ history: { run: status(there) } });
    expect(dead).toMatchObject({ state: "idle", last: { outcome: "killed" } });
  });

  it("sees that the holder of a lock on this machine is dead before its lease is over", async () => {
    const report = await look({ lock: {}, machine: { isAlive: () => false } });
    expect(report).toMatchObject({ state: "idle", lock: { isHeld: false } });
  });

  it("shows neither the lock's token nor what tells machines apart", async () => {
    expect(Object.keys((await look({ lock: {} })).lock ?? {}).sort()).toEqual([
      "host",
      "isHeld",
      "leaseUntil",
      "pid",
      "startedAt",
    ]);
  });

  it.each([
    ["a failure since the last success", result({ outcome: "failed" }), 1, ["the last run failed"]],
    ["a stop since the last success", result({ outcome: "stopped" }), 1, []],
    ["stops only for 14 days", result({ outcome: "stopped" }), 15, ["no run has succeeded for 15 d"]],
    ["no run at all for 14 days", undefined, 15, ["no run has succeeded for 15 d"]],
  ])("is degraded or not after %s", async (_, last, daysAgo, reasons) => {
    const endedAt = new Date(NOW - daysAgo * 86_400_000).toISOString();
    const lastSuccess = result({ id: "success", endedAt });
    const report = await look({ history: { last: last ?? lastSuccess, lastSuccess } });
    expect(report.reasons).toEqual(reasons);
    expect(report.degraded).toBe(reasons.length > 0);
  });

  it("is degraded if none has ever succeeded for 14 days", async () => {
    const last = result({ outcome: "stopped", withoutSuccessSince: "2026-02-01T00:00:00.000Z" });
    expect((await look({ history: { last } })).reasons).toEqual(["no run has succeeded for 28 d 12 h"]);
  });

  it("says what it may not read, and does not take an unreadable lock for a free one", async () => {
    const driver = new MemoryDriver();
    driver.get = async () => {
      throw new StorageUnavailableError("denied");
    };
    const report = await lookAtRuns({
      driver,
      machine: machineWith({}),
      readHistory: () => ({ unread: [{ folder: "/state", problem: "EACCES" }] }),
      nowMs: () => NOW,
    });
    expect(report.state).toBe("unknown");
    expect(report.problems).toEqual([
      "the state in /state cannot be read: EACCES",
      "the store's lock cannot be read: denied",
    ]);
  });
});

async function look(given: {
  history?: Partial<RunHistory>;
  lock?: Record<string, unknown>;
  machine?: Partial<Machine>;
}): Promise<RunsReport> {
  const driver = new MemoryDriver();
  if (given.lock) {
    const times = { startedAt: "2026-03-01T11:00:00Z", leaseUntil: "2026-03-01T12:09:00Z" };
    await driver.put(
      STORE_LOCK_PATH,
      Buffer.from(JSON.stringify({ token: "t", ...HERE, ...times, ...given.lock })),
    );
  }
  return lookAtRuns({
    driver,
    machine: machineWith(given.machine ?? {}),
    readHistory: () => ({ unread: [], ...given.history }),
    nowMs: () => NOW,
  });
}

function machineWith(changes: Partial<Machine>): Machine {
  return { ...HERE, pid: 99, isAlive: () => true, startOf: () => undefined, ...changes };
}

function status(changes: Partial<RunStatus> = {}): RunStatus {
  return {
    schemaVersion: 1,
    id: "run",
    ...HERE,
    startedAt: "2026-03-01T11:00:00.000Z",
    options: {},
    progress: { phase: "listing blobs", done: 1, totalIsEstimate: false },
    safeToStop: true,
    seconds: 1,
    updatedAt: "2026-03-01T11:59:59.000Z",
    ...changes,
  };
}

function result(changes: Partial<RunResult> = {}): RunResult {
  return {
    schemaVersion: 1,
    id: "last",
    ...HERE,
    startedAt: "2026-03-01T11:00:00.000Z",
    options: {},
    outcome: "done",
    endedAt: "2026-03-01T11:30:00.000Z",
    seconds: 1800,
    ...changes,
  };
}
