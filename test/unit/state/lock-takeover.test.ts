import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { LOCKFILES_ROOT } from "../../../src/registry/paths.ts";
import {
  acquireStoreLock,
  type LockHolder,
  readStoreLock,
  STORE_LOCK_PATH,
  StoreLockedError,
} from "../../../src/state/store-lock.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { TEST_HOLDER } from "../../support/collect.ts";
import { RemoteStore } from "../../support/remote-store.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
let nowMs: number;
const now = (): number => nowMs;

beforeEach(() => {
  nowMs = START;
});

function holder(host: string): LockHolder {
  return { ...TEST_HOLDER, host, bootId: `boot of ${host}` };
}

async function namesOf(driver: MemoryDriver): Promise<string[]> {
  return (await driver.listNames(LOCKFILES_ROOT)).map(({ name }) => name);
}

/** A store that cannot rename, with a lock of somebody who died a quarter of an hour ago. */
async function withStaleLock(inner = new MemoryDriver()): Promise<MemoryDriver> {
  await acquireStoreLock(new RemoteStore({ inner }).driver, holder("dead"), now);
  nowMs += 16 * MINUTE;
  return inner;
}

describe("a stale lock on a store that cannot rename", () => {
  it("is taken over, and nothing but the lock is left", async () => {
    const inner = await withStaleLock();
    const store = new RemoteStore({ inner });

    const lock = await acquireStoreLock(store.driver, holder("next"), now);

    await expect(lock.check()).resolves.toBeUndefined();
    expect(await readStoreLock(inner)).toMatchObject({ host: "next" });
    expect(await namesOf(inner)).toEqual(["registry-ctl.lock"]);
    expect(store.count("move")).toBe(0);
    await lock.release();
    expect(await inner.list(LOCKFILES_ROOT).catch(() => [])).toEqual([]);
  });

  it("is taken over by one of many at most, however their requests interleave and wherever some of them die", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 30, maxLength: 80 }),
        fc.array(fc.option(fc.integer({ min: 0, max: 8 })), { minLength: 2, maxLength: 4 }),
        async (delays, deaths) => {
          nowMs = START;
          const inner = await withStaleLock();
          let turn = 0;
          const latencyMs = (): number => delays[turn++ % delays.length] ?? 0;
          const outcomes = await Promise.all(
            deaths.map((callsLeft, index) => {
              let left = callsLeft ?? Number.POSITIVE_INFINITY;
              const before = (): void => {
                if (left-- <= 0) throw new Error("killed");
              };
              const store = new RemoteStore({ inner, latencyMs, before });
              return acquireStoreLock(store.driver, holder(`h${index}`), now).then(
                () => "held",
                (error: unknown) => {
                  if (error instanceof StoreLockedError) return "locked";
                  if (error instanceof Error && error.message === "killed") return "killed";
                  throw error;
                },
              );
            }),
          );
          expect(outcomes.filter((outcome) => outcome === "held").length).toBeLessThanOrEqual(1);
          if (deaths.every((death) => death === null)) expect(outcomes).toContain("held");
          // Whoever has died, somebody gets it in the end.
          nowMs += 16 * MINUTE;
          const last = await acquireStoreLock(new RemoteStore({ inner }).driver, holder("last"), now);
          expect(await readStoreLock(inner)).toMatchObject({ host: "last" });
          await last.release();
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  it("is left to somebody who is just taking it over", async () => {
    const inner = await withStaleLock();
    let calls = 0;
    const dying = new RemoteStore({
      inner,
      before: ({ method }) => {
        if (method === "put" && ++calls > 0) throw new StorageUnavailableError("no answer");
      },
    });
    await expect(acquireStoreLock(dying.driver, holder("slow"), now)).rejects.toThrow("no answer");

    const other = acquireStoreLock(new RemoteStore({ inner }).driver, holder("other"), now);
    await expect(other).rejects.toThrow(/process 4711 on slow/);
    nowMs += 16 * MINUTE;
    await acquireStoreLock(new RemoteStore({ inner }).driver, holder("other"), now);
    expect(await namesOf(inner)).toEqual(["registry-ctl.lock"]);
  });

  it("is not taken over by one whose takeover took too long", async () => {
    const inner = await withStaleLock();
    const store = new RemoteStore({
      inner,
      before: ({ method, path }) => {
        if (method === "get" && path === STORE_LOCK_PATH) nowMs += 6 * MINUTE;
      },
    });
    await expect(acquireStoreLock(store.driver, holder("slow"), now)).rejects.toThrow(StoreLockedError);
    expect(await readStoreLock(inner)).toMatchObject({ host: "dead" });
  });

  it("is held by us if only the answer to its creation was lost", async () => {
    const inner = new MemoryDriver();
    const store = new RemoteStore({ inner });
    const putIfAbsent = inner.putIfAbsent.bind(inner);
    inner.putIfAbsent = async (path, content) => {
      await putIfAbsent(path, content);
      return false;
    };
    const lock = await acquireStoreLock(store.driver, holder("us"), now);
    await expect(lock.check()).resolves.toBeUndefined();
    await lock.release();
    expect(await readStoreLock(inner)).toBeUndefined();
  });
});

describe("a lock that is held on a store that cannot rename", () => {
  it("keeps others out", async () => {
    const { driver } = new RemoteStore();
    await acquireStoreLock(driver, holder("first"), now);
    nowMs += 14 * MINUTE;
    await expect(acquireStoreLock(driver, holder("second"), now)).rejects.toThrow(/process 4711 on first/);
  });

  it("is lost to whoever took it over while its holder slept", async () => {
    const { driver } = new RemoteStore();
    const lock = await acquireStoreLock(driver, holder("first"), now);
    nowMs += 16 * MINUTE;
    const other = await acquireStoreLock(driver, holder("second"), now);
    await expect(lock.check()).rejects.toThrow(StoreLockedError);
    await lock.release();
    await expect(other.check()).resolves.toBeUndefined();
  });
});
