import { beforeEach, describe, expect, it, vi } from "vitest";
import { StorageFullError, StorageUnavailableError } from "../../../src/errors.ts";
import {
  acquireStoreLock,
  STORE_LOCK_PATH,
  StoreLockedError,
  storeLockHolder,
} from "../../../src/state/store-lock.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { TEST_HOLDER } from "../../support/collect.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
let nowMs: number;
let driver: MemoryDriver;
const now = (): number => nowMs;

beforeEach(() => {
  nowMs = START;
  driver = new MemoryDriver();
});

describe("the holder of the lock", () => {
  const look = (holder = TEST_HOLDER) => storeLockHolder(driver, holder, nowMs);

  it("is told as long as the lease runs, and is nobody before and behind", async () => {
    expect(await look()).toBeUndefined();
    const lock = await acquireStoreLock(driver, { ...TEST_HOLDER, host: "o\n\u001bther", bootId: "2" }, now);
    expect(await look()).toMatchObject({ host: "o??ther" });
    nowMs += 20 * MINUTE;
    expect(await look()).toBeUndefined();
    await lock.release();
    expect(await look()).toBeUndefined();
  });

  it("is nobody if the process that took it on this machine is dead", async () => {
    await acquireStoreLock(driver, TEST_HOLDER, now);
    expect(await look({ ...TEST_HOLDER, isAlive: () => true })).toMatchObject({ pid: TEST_HOLDER.pid });
    expect(await look({ ...TEST_HOLDER, isAlive: () => false })).toBeUndefined();
  });
});

describe("a held lock", () => {
  it("is lost to whoever took it while its holder slept, and stays theirs", async () => {
    const lock = await acquireStoreLock(driver, TEST_HOLDER, now);
    nowMs += 20 * MINUTE;
    const other = await acquireStoreLock(driver, { ...TEST_HOLDER, host: "other", bootId: "2" }, now);

    await expect(lock.check()).rejects.toThrow(StoreLockedError);
    await lock.release();
    await expect(other.check()).resolves.toBeUndefined();
    expect(Buffer.from(await driver.get(STORE_LOCK_PATH)).toString()).toContain('"host":"other"');
    await other.release();
  });

  it("is renewed after a sleep if nobody took it", async () => {
    const lock = await acquireStoreLock(driver, TEST_HOLDER, now);
    nowMs += 20 * MINUTE;

    await lock.check();

    const other = { ...TEST_HOLDER, bootId: "2" };
    await expect(acquireStoreLock(driver, other, now)).rejects.toThrow(StoreLockedError);
    await lock.release();
    await (await acquireStoreLock(driver, other, now)).release();
  });

  it("is still held where a full disk lets it not be renewed", async () => {
    const lock = await acquireStoreLock(driver, TEST_HOLDER, now);
    vi.spyOn(driver, "put").mockRejectedValue(new StorageFullError("no space left"));
    nowMs += 20 * MINUTE;

    await expect(lock.check()).resolves.toBeUndefined();
    await lock.release();
  });

  it("counts as lost when nobody could look at it for longer than it lasts", async () => {
    const lock = await acquireStoreLock(driver, TEST_HOLDER, now);
    vi.spyOn(driver, "get").mockRejectedValue(new StorageUnavailableError("the disk does not answer"));
    nowMs += 5 * MINUTE;
    await expect(lock.check()).resolves.toBeUndefined();
    nowMs += 6 * MINUTE;

    await expect(lock.check()).rejects.toThrow(StoreLockedError);
    await lock.release();
  });
});

describe("a store without room for a lock", () => {
  const fill = (): void => {
    vi.spyOn(driver, "putIfAbsent").mockRejectedValue(new StorageFullError("no space left"));
  };

  it("lets the work go on without one", async () => {
    fill();
    expect((await acquireStoreLock(driver, TEST_HOLDER, now)).warning).toContain("no room");
  });

  it("still keeps a second one out while somebody holds the lock", async () => {
    const lock = await acquireStoreLock(driver, TEST_HOLDER, now);
    fill();
    const other = { ...TEST_HOLDER, bootId: "2" };
    await expect(acquireStoreLock(driver, other, now)).rejects.toThrow(StoreLockedError);
    await expect(lock.check()).resolves.toBeUndefined();
    await lock.release();
  });

  it("lets the work go on without one when the holder of the lock is dead", async () => {
    await acquireStoreLock(driver, TEST_HOLDER, now);
    fill();
    const lock = await acquireStoreLock(driver, { ...TEST_HOLDER, isAlive: () => false }, now);
    expect(lock.warning).toContain("no room");
  });
});
