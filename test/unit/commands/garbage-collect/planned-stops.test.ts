import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchForStops } from "../../../../src/commands/garbage-collect/planned-stops.ts";
import { PlannedStop } from "../../../../src/operations/gc/planned-stop.ts";
import { requestStop } from "../../../../src/state/run-stop-request.ts";
import { acquireStoreLock, readStoreLock } from "../../../../src/state/store-lock.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const US = { host: "here", bootId: "boot-1", pidNamespace: "pid:[1]", pid: 7 };
const IDENTITY = { ...US, id: "run", startedAt: "2026-03-01T12:00:00.000Z" };

describe("watchForStops", () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOW }));
  afterEach(() => void vi.useRealTimers());

  it("stops at the time on the clock, also when the clock is set forward", async () => {
    const watch = watching({ untilMs: NOW + 3_600_000 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(watch.signal.aborted).toBe(false);
    vi.setSystemTime(NOW + 3_600_000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(watch.signal.reason).toMatchObject({ kind: "until" });
    watch.end();
  });

  it("is stopped from the start if the time has come", () => {
    const watch = watching({ untilMs: NOW });
    expect(watch.signal.aborted).toBe(true);
    watch.end();
  });

  it("stops when the holder of the lock is asked to, and only then", async () => {
    const driver = new MemoryDriver();
    const lock = await acquireStoreLock(driver, { ...US, isAlive: () => true }, Date.now);
    const watch = watching({ driver });
    await requestStop(driver, "of another run", new Date());
    await vi.advanceTimersByTimeAsync(5000);
    expect(watch.signal.aborted).toBe(false);
    await requestStop(driver, (await readStoreLock(driver))?.token ?? "", new Date());
    await vi.advanceTimersByTimeAsync(3000);
    expect(watch.signal.reason).toBeInstanceOf(PlannedStop);
    expect(watch.signal.reason).toMatchObject({ kind: "stop" });
    watch.end();
    await lock.release();
  });

  it.each([
    ["somebody asked for it", undefined, "stop"],
    ["the server ends", new PlannedStop("server"), "server"],
  ])("stops when %s, and says so", (_, reason, kind) => {
    const stop = new AbortController();
    const watch = watching({ stopWanted: stop.signal });
    expect(watch.signal.aborted).toBe(false);
    stop.abort(reason);
    expect(watch.signal.reason).toMatchObject({ kind });
    watch.end();
    const late = watching({ stopWanted: stop.signal });
    expect(late.signal.reason).toMatchObject({ kind });
    late.end();
  });

  it("goes on looking when the store fails in between", async () => {
    const driver = new MemoryDriver();
    const lock = await acquireStoreLock(driver, { ...US, isAlive: () => true }, Date.now);
    await requestStop(driver, (await readStoreLock(driver))?.token ?? "", new Date());
    const get = driver.get.bind(driver);
    driver.get = async () => {
      throw new Error("EIO");
    };
    const watch = watching({ driver });
    await vi.advanceTimersByTimeAsync(5000);
    expect(watch.signal.aborted).toBe(false);
    driver.get = get;
    await vi.advanceTimersByTimeAsync(3000);
    expect(watch.signal.aborted).toBe(true);
    watch.end();
    await lock.release();
  });

  it("passes on what aborts at once, with its own reason", () => {
    const controller = new AbortController();
    const watch = watching({ signal: controller.signal });
    const reason = new Error("Ctrl-C");
    controller.abort(reason);
    expect(watch.signal.reason).toBe(reason);
    watch.end();
  });

  function watching(options: Partial<Parameters<typeof watchForStops>[0]>): ReturnType<typeof watchForStops> {
    return watchForStops({
      driver: new MemoryDriver(),
      identity: IDENTITY,
      untilMs: undefined,
      nowMs: Date.now,
      signal: new AbortController().signal,
      ...options,
    });
  }
});
