import { randomUUID } from "node:crypto";
import { PathNotFoundError, RegistryStateError, StorageFullError } from "../errors.ts";
import { printableLine } from "../lib/printable.ts";
import { LOCKFILES_ROOT } from "../registry/paths.ts";
import { canCreateExclusively, type ExclusiveCreate } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { movesByCopying } from "../storage/object-store-abilities.ts";
import { takeOverLock } from "./lock-takeover.ts";

/** The lock that keeps a second writer of ours out of a store, from whatever host. */
export const STORE_LOCK_PATH = `${LOCKFILES_ROOT}/registry-ctl.lock`;
/** How long a lock holds that nobody renews. */
const LEASE_MS = 10 * 60_000;
const RENEW_MS = 60_000;
/** Renewals are late by so much only if the process did not run, or the store did not answer. */
const LOOK_AGAIN_MS = 2 * RENEW_MS;
/** Clocks of two hosts may differ by so much. */
const SKEW_MS = 5 * 60_000;

/** Who may hold a lock. */
export interface LockHolder {
  host: string;
  /** Changes with each start of the machine. */
  bootId: string;
  /** A process id means something only within one of them: containers of a host share the boot id. */
  pidNamespace: string;
  pid: number;
  /** Tells whether a process of this machine and namespace lives. */
  isAlive: (pid: number) => boolean;
}

/** What stands in the lock file. */
export interface StoreLockRecord {
  /** Another one for each time that the lock is taken. */
  token: string;
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  /** ISO 8601, by the holder's clock, like `leaseUntil`. */
  startedAt: string;
  leaseUntil: string;
}

/** Somebody else holds the lock. */
export class StoreLockedError extends RegistryStateError {
  override readonly name: string = "StoreLockedError";
}

/** A held lock; renewed by itself until `release`. */
export interface StoreLock {
  /** Why there is no lock although the work may go on; undefined if there is one. */
  readonly warning: string | undefined;
  /**
   * Looks at the lock again if that is long ago, as after a sleep of the machine, when the lease may have run out.
   *
   * @throws {StoreLockedError} if the lock has been lost to somebody else, or may have been: nobody could look at it for
   *   as long as it holds
   */
  check(): Promise<void>;
  /** Removes the lock. Never rejects. */
  release(): Promise<void>;
}

/**
 * Takes the store's lock. One whose holder is dead (known only on the same machine, in the same boot and pid
 * namespace) or whose lease is over is broken. Without room on the store the work goes on without a lock, unless
 * somebody holds one.
 *
 * @throws {StoreLockedError} if somebody holds it
 */
export async function acquireStoreLock(
  driver: StorageDriver,
  holder: LockHolder,
  nowMs: () => number,
): Promise<StoreLock> {
  if (!canCreateExclusively(driver)) return withoutLock("this store cannot lock");
  const token = randomUUID();
  const startedAt = new Date(nowMs()).toISOString();
  const content = (): Uint8Array => {
    const { host, bootId, pidNamespace, pid } = holder;
    const leaseUntil = new Date(nowMs() + LEASE_MS).toISOString();
    const record: StoreLockRecord = { token, host, bootId, pidNamespace, pid, startedAt, leaseUntil };
    return Buffer.from(`${JSON.stringify(record)}\n`);
  };
  try {
    if (movesByCopying(driver)) await createOrTakeOver(driver, holder, { token, content, nowMs });
    else if (!(await driver.putIfAbsent(STORE_LOCK_PATH, content()))) {
      await breakStaleLock(driver, holder, nowMs());
      if (!(await driver.putIfAbsent(STORE_LOCK_PATH, content())))
        throw lockedBy(await readStoreLock(driver));
    }
  } catch (error) {
    if (!(error instanceof StorageFullError)) throw error;
    // A full store says so before it says that the lock is there.
    const record = await readStoreLock(driver);
    if (record && !(await isStale(driver, record, holder, nowMs()))) throw lockedBy(record);
    return withoutLock("the store has no room for a lock");
  }
  return heldLock(driver, token, content, nowMs);
}

function withoutLock(warning: string): StoreLock {
  return { warning, check: async () => {}, release: async () => {} };
}

function heldLock(
  driver: StorageDriver,
  token: string,
  content: () => Uint8Array,
  nowMs: () => number,
): StoreLock {
  let lost: StoreLockedError | undefined;
  let seenMs = nowMs();
  let renewal = Promise.resolve();
  const renew = async (): Promise<void> => {
    try {
      const present = await readStoreLock(driver);
      if (present?.token !== token) lost = lockedBy(present, "the lock was lost: ");
      else {
        seenMs = nowMs();
        await driver.put(STORE_LOCK_PATH, content());
      }
    } catch {
      // A full disk or a passing fault: the lease still runs, and the next renewal tries again.
    }
  };
  const renewInTurn = (): Promise<void> => {
    renewal = renewal.then(renew);
    return renewal;
  };
  const timer = setInterval(() => void renewInTurn(), RENEW_MS);
  timer.unref();
  return {
    warning: undefined,
    check: async () => {
      if (!lost && Math.abs(nowMs() - seenMs) > LOOK_AGAIN_MS) await renewInTurn();
      if (lost) throw lost;
      if (Math.abs(nowMs() - seenMs) > LEASE_MS) throw unseenLock();
    },
    release: async () => {
      clearInterval(timer);
      await renewal;
      try {
        if ((await readStoreLock(driver))?.token === token) await driver.delete(STORE_LOCK_PATH);
      } catch {
        // The lease ends by itself.
      }
    },
  };
}

/** @throws {StoreLockedError} if somebody holds the lock */
async function createOrTakeOver(
  driver: StorageDriver & ExclusiveCreate,
  holder: LockHolder,
  { token, content, nowMs }: { token: string; content: () => Uint8Array; nowMs: () => number },
): Promise<void> {
  if (await driver.putIfAbsent(STORE_LOCK_PATH, content())) return;
  const isOurs = (bytes: Uint8Array): boolean => parseLock(bytes)?.token === token;
  let stale: Uint8Array;
  try {
    stale = await driver.get(STORE_LOCK_PATH);
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
    // Released just now.
    if (await driver.putIfAbsent(STORE_LOCK_PATH, content())) return;
    throw lockedBy(await readStoreLock(driver));
  }
  // The answer to the first attempt was lost.
  if (isOurs(stale)) return;
  const isStaleContent = (bytes: Uint8Array): Promise<boolean> =>
    isStale(driver, parseLock(bytes), holder, nowMs());
  if (!(await isStaleContent(stale))) throw lockedBy(parseLock(stale));
  const lockPath = STORE_LOCK_PATH;
  const options = { lockPath, stale, content, isStale: isStaleContent, isOurs, nowMs, claimMs: LEASE_MS / 2 };
  const obstacle = await takeOverLock(driver, options);
  if (obstacle !== undefined) throw lockedBy(parseLock(obstacle));
}

/** Removes a lock that nobody can be holding; leaves any other. */
async function breakStaleLock(
  driver: StorageDriver & ExclusiveCreate,
  holder: LockHolder,
  nowMs: number,
): Promise<void> {
  const record = await readStoreLock(driver);
  if (!(await isStale(driver, record, holder, nowMs))) throw lockedBy(record);
  // Moved first: of two that break it, the second may have moved the first one's new lock, and puts that back.
  const aside = `${STORE_LOCK_PATH}.stale-${randomUUID()}`;
  try {
    await driver.move(STORE_LOCK_PATH, aside);
    const moved = await driver.get(aside);
    if (parseLock(moved)?.token !== record?.token) await driver.putIfAbsent(STORE_LOCK_PATH, moved);
    await driver.delete(aside);
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
  }
}

async function isStale(
  driver: StorageDriver,
  record: StoreLockRecord | undefined,
  holder: LockHolder,
  nowMs: number,
): Promise<boolean> {
  if (!record) {
    // Empty or damaged: by a crash, unless it is just being written.
    return nowMs - (await modifiedMs(driver, nowMs)) > LEASE_MS + SKEW_MS;
  }
  const isSameMachine = record.bootId === holder.bootId && record.pidNamespace === holder.pidNamespace;
  if (isSameMachine && record.bootId !== "" && !holder.isAlive(record.pid)) return true;
  return Date.parse(record.leaseUntil) + SKEW_MS < nowMs;
}

async function modifiedMs(driver: StorageDriver, otherwise: number): Promise<number> {
  try {
    return (await driver.stat(STORE_LOCK_PATH)).modifiedMs;
  } catch (error) {
    if (error instanceof PathNotFoundError) return otherwise;
    throw error;
  }
}

/** @returns who holds the lock, or held it when it died; undefined if nobody does, or the file is damaged */
export async function readStoreLock(driver: StorageDriver): Promise<StoreLockRecord | undefined> {
  try {
    return parseLock(await driver.get(STORE_LOCK_PATH));
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}

/** @returns who keeps others from the store now; undefined if nobody does, or somebody who is dead or whose lease is over */
export async function storeLockHolder(
  driver: StorageDriver,
  holder: LockHolder,
  nowMs: number,
): Promise<StoreLockRecord | undefined> {
  const record = await readStoreLock(driver);
  return record && !(await isStale(driver, record, holder, nowMs)) ? record : undefined;
}

function parseLock(bytes: Uint8Array): StoreLockRecord | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof json !== "object" || json === null) return undefined;
    const fields = json as Record<string, unknown>;
    const { token, host, bootId, pidNamespace, pid, startedAt, leaseUntil } = fields;
    if (typeof token !== "string" || typeof pid !== "number" || typeof leaseUntil !== "string")
      return undefined;
    if (Number.isNaN(Date.parse(leaseUntil))) return undefined;
    return {
      token,
      // They become parts of sentences.
      host: printableLine(String(host)),
      bootId: String(bootId),
      pidNamespace: String(pidNamespace),
      pid,
      startedAt: printableLine(String(startedAt)),
      leaseUntil,
    };
  } catch {
    return undefined;
  }
}

function unseenLock(): StoreLockedError {
  return new StoreLockedError(`${STORE_LOCK_PATH} could not be read for so long that the lock may be lost`, {
    hint: "check the disk of the store, then run it again",
  });
}

function lockedBy(record: StoreLockRecord | undefined, prefix = ""): StoreLockedError {
  const who = record
    ? `process ${record.pid} on ${record.host} has been working on this store since ${record.startedAt}`
    : `somebody holds ${STORE_LOCK_PATH}`;
  return new StoreLockedError(`${prefix}${who}`, {
    hint: record
      ? `wait until it has ended; its lock runs out by itself after ${record.leaseUntil} if it does not renew it`
      : "wait until it has ended; the lock runs out by itself a quarter of an hour after its last renewal",
  });
}
