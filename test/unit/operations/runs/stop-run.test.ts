import { describe, expect, it } from "vitest";
import { CancelledError, RegistryStateError, StorageFullError } from "../../../../src/errors.ts";
import { type StopDependencies, stopRun } from "../../../../src/operations/runs/stop-run.ts";
import type { RunHistory } from "../../../../src/state/run-history.ts";
import { isStopRequested, STOP_REQUEST_PATH } from "../../../../src/state/run-stop-request.ts";
import { acquireStoreLock, type StoreLock } from "../../../../src/state/store-lock.ts";
import { ReadOnlyStoreError } from "../../../../src/storage/errors.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const RUNNER = { host: "here", bootId: "boot-1", pidNamespace: "pid:[1]", pid: 7, isAlive: () => true };

describe("stopRun", () => {
  it("asks in the store, waits until the lock is given back, and leaves no request", async () => {
    const { driver, lock, dependencies } = await running();
    let looks = 0;
    const report = await stopRun(
      {
        ...dependencies,
        sleep: async () => {
          if (looks++ === 2 && (await isStopRequested(driver, (record) => record.pid === 7)))
            await lock.release();
        },
      },
      { timeoutMs: 60_000 },
    );
    expect(report).toMatchObject({ outcome: "stopped", by: "request", run: { host: "here", pid: 7 } });
    expect(driver.has(STOP_REQUEST_PATH)).toBe(false);
  });

  it("asks the server that the run works for, and the store where there is none or it fails", async () => {
    const answers: [() => Promise<boolean>, string][] = [
      [async () => true, "server"],
      [async () => false, "request"],
      [() => Promise.reject(new Error("gone")), "request"],
    ];
    for (const [askServer, by] of answers) {
      const { driver, lock, dependencies } = await running();
      const sleep = () => lock.release();
      const report = await stopRun({ ...dependencies, askServer, sleep }, { timeoutMs: 60_000 });
      expect([report.outcome, report.by, driver.has(STOP_REQUEST_PATH)]).toEqual(["stopped", by, false]);
    }
  });

  it("asks a run on another host in the same way", async () => {
    const { driver, lock, dependencies } = await running();
    const machine = { ...dependencies.machine, host: "there", bootId: "boot-2" };
    const asked: number[] = [];
    const report = await stopRun(
      { ...dependencies, machine, sleep: () => lock.release() },
      { timeoutMs: 60_000, onAsked: ({ pid }) => void asked.push(pid) },
    );
    expect(report.by).toBe("request");
    expect(asked).toEqual([7]);
    expect(driver.has(STOP_REQUEST_PATH)).toBe(false);
  });

  it("does nothing where nobody runs, or the holder of the lock is dead", async () => {
    const { driver, dependencies } = await running();
    const machine = { ...dependencies.machine, isAlive: () => false };
    expect(await stopRun({ ...dependencies, machine }, { timeoutMs: 0 })).toMatchObject({
      outcome: "nothing",
    });
    expect(await stopRun({ ...dependencies, driver: new MemoryDriver() }, { timeoutMs: 0 })).toMatchObject({
      outcome: "nothing",
    });
    expect(driver.has(STOP_REQUEST_PATH)).toBe(false);
  });

  it("sends a signal on a full disk, but only to a collection", async () => {
    const { driver, lock, dependencies } = await running();
    driver.put = async () => {
      throw new StorageFullError("no room");
    };
    const signalled: number[] = [];
    const terminate = (pid: number): boolean => signalled.push(pid) > 0;
    const other = { ...dependencies.machine, terminate, isCollection: () => false };
    await expect(stopRun({ ...dependencies, machine: other }, { timeoutMs: 0 })).rejects.toThrow(
      RegistryStateError,
    );
    expect(signalled).toEqual([]);
    const machine = { ...other, isCollection: () => true };
    const report = await stopRun(
      { ...dependencies, machine, sleep: () => lock.release() },
      { timeoutMs: 60_000 },
    );
    expect(report.by).toBe("signal");
    expect(signalled).toEqual([7]);
  });

  it("neither asks nor signals where nothing may be written", async () => {
    const { driver, dependencies } = await running();
    const refused = new ReadOnlyStoreError("inmemory", "write", STOP_REQUEST_PATH);
    driver.put = async () => {
      throw refused;
    };
    const machine = {
      ...dependencies.machine,
      isCollection: () => true,
      terminate: () => {
        throw new Error("the run was signalled");
      },
    };
    await expect(stopRun({ ...dependencies, machine }, { timeoutMs: 0 })).rejects.toBe(refused);
  });

  it("does not signal a process of another machine that has the same number", async () => {
    const { driver, dependencies } = await running();
    driver.put = async () => {
      throw new StorageFullError("no room");
    };
    const machine = {
      ...dependencies.machine,
      bootId: "boot-2",
      isCollection: () => true,
      terminate: () => {
        throw new Error("a stranger was signalled");
      },
    };
    await expect(stopRun({ ...dependencies, machine }, { timeoutMs: 0 })).rejects.toThrow(/on here.*no room/);
  });

  it("gives up in time and leaves the request", async () => {
    const { driver, dependencies } = await running();
    await expect(stopRun(dependencies, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: "ERR_STILL_RUNNING",
    });
    expect(driver.has(STOP_REQUEST_PATH)).toBe(true);
  });

  it("stops waiting when it is interrupted", async () => {
    const { dependencies } = await running();
    await expect(stopRun(dependencies, { timeoutMs: 1000, signal: AbortSignal.abort() })).rejects.toThrow(
      CancelledError,
    );
  });

  it("tells the result of that run, not that of an earlier one with the same process number", async () => {
    const { lock, dependencies } = await running();
    const history: RunHistory = { unread: [], last: result("2026-03-01T11:00:00.000Z") };
    let looks = 0;
    const sleep = async (): Promise<void> => {
      if (looks++ === 0) await lock.release();
      else history.last = result("2026-03-01T12:00:01.000Z");
    };
    const report = await stopRun(
      { ...dependencies, readHistory: () => history, sleep },
      { timeoutMs: 60_000 },
    );
    expect(report.result?.endedAt).toBe("2026-03-01T12:00:01.000Z");
  });
});

describe("isStopRequested", () => {
  it("means the holder of the lock alone, and removes what means an earlier one", async () => {
    const { driver } = await running();
    expect(await isStopRequested(driver, () => true)).toBe(false);
    for (const text of ['{"token":"another"}', '{"tok', "[]"]) {
      await driver.put(STOP_REQUEST_PATH, Buffer.from(text));
      expect(await isStopRequested(driver, () => false)).toBe(false);
      expect(driver.has(STOP_REQUEST_PATH)).toBe(true);
      expect(await isStopRequested(driver, () => true)).toBe(false);
      expect(driver.has(STOP_REQUEST_PATH)).toBe(false);
    }
  });
});

/** A memory store whose files can be asked for at once. */
class LookableDriver extends MemoryDriver {
  has(path: string): boolean {
    return this.getSync(path) !== undefined;
  }
}

async function running(): Promise<{
  driver: LookableDriver;
  lock: StoreLock;
  dependencies: StopDependencies;
}> {
  const driver = new LookableDriver();
  const lock = await acquireStoreLock(driver, RUNNER, () => NOW);
  const machine = {
    ...RUNNER,
    pid: 99,
    startOf: () => undefined,
    isCollection: () => undefined,
    terminate: () => false,
  };
  const dependencies: StopDependencies = {
    driver,
    machine,
    readHistory: () => ({ unread: [] }),
    nowMs: () => NOW,
    sleep: async () => {},
  };
  return { driver, lock, dependencies };
}

function result(endedAt: string): NonNullable<RunHistory["last"]> {
  const { host, bootId, pidNamespace, pid } = RUNNER;
  return {
    schemaVersion: 1,
    id: endedAt,
    host,
    bootId,
    pidNamespace,
    pid,
    startedAt: endedAt,
    options: {},
    outcome: "stopped",
    endedAt,
    seconds: 1,
  };
}
