import { createHash } from "node:crypto";
import { PathNotFoundError } from "../errors.ts";
import type { ExclusiveCreate } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";

/** So many died one after the other while they took over the same lock. */
const MAX_CLAIMS = 100;
/** Characters of a hash that tell one state of a lock from all others. */
const NAME_CHARACTERS = 32;

/** Options of {@link takeOverLock}. */
export interface TakeoverOptions {
  lockPath: string;
  /** What stands in the lock, as it was found to be stale. */
  stale: Uint8Array;
  /** Makes what is to stand in the lock, and in a claim. */
  content: () => Uint8Array;
  /** Tells whether nobody can be behind what stands in a lock or a claim. */
  isStale: (content: Uint8Array) => Promise<boolean>;
  /** Tells whether it is what `content` has made. */
  isOurs: (content: Uint8Array) => boolean;
  nowMs: () => number;
  /** A claim counts for so long; a takeover that takes longer is given up. */
  claimMs: number;
}

/**
 * Replaces a lock that nobody holds any more, on a store that cannot rename: there a lock that was moved aside might be
 * another one by then. Who wants it first creates a claim that is named for exactly what stands in the lock, which only
 * one can; looks whether that still stands there; writes the lock, and only then removes the claim. Whoever comes later
 * with the same old state in mind either finds the claim, or another lock. The claim of one that died midway is claimed
 * in the same way.
 *
 * @returns undefined if we hold the lock now, else what is in the way; empty if that cannot be told
 */
export async function takeOverLock(
  driver: StorageDriver & ExclusiveCreate,
  options: TakeoverOptions,
): Promise<Uint8Array | undefined> {
  const { lockPath, stale, content, isOurs, nowMs, claimMs } = options;
  const claimedMs = nowMs();
  const claimed = await claim(driver, options);
  if (claimed.obstacle !== undefined) return claimed.obstacle;
  const [own = "", ...others] = claimed.claims.reverse();
  const present = await readIfThere(driver, lockPath);
  if (present === undefined || Buffer.compare(present, stale) !== 0) {
    await removeClaims(driver, [own]);
    return present ?? new Uint8Array();
  }
  const isLate = (): boolean => Math.abs(nowMs() - claimedMs) > claimMs;
  if (isLate()) return present;
  // If that fails, the claim stays: what was sent may still arrive.
  await driver.put(lockPath, content());
  const written = await readIfThere(driver, lockPath);
  if (written === undefined || !isOurs(written) || isLate()) return written ?? new Uint8Array();
  await removeClaims(driver, [own, ...others]);
  return undefined;
}

async function claim(
  driver: StorageDriver & ExclusiveCreate,
  { lockPath, stale, content, isStale, isOurs }: TakeoverOptions,
): Promise<{ claims: string[]; obstacle?: Uint8Array }> {
  const claims: string[] = [];
  let dead = stale;
  while (claims.length < MAX_CLAIMS) {
    const name = createHash("sha256").update(dead).digest("hex").slice(0, NAME_CHARACTERS);
    const path = `${lockPath}.claim-${name}`;
    claims.push(path);
    if (await driver.putIfAbsent(path, content())) return { claims };
    const other = await readIfThere(driver, path);
    // Gone: somebody has just taken the lock over.
    if (other === undefined) return { claims, obstacle: new Uint8Array() };
    // Ours: the answer to the first attempt was lost.
    if (isOurs(other)) return { claims };
    if (!(await isStale(other))) return { claims, obstacle: other };
    dead = other;
  }
  return { claims, obstacle: new Uint8Array() };
}

/** A claim that stays behind does no harm: nothing will ever stand in the lock again that it is named for. */
async function removeClaims(driver: StorageDriver, paths: readonly string[]): Promise<void> {
  for (const path of paths) await driver.delete(path).catch(() => undefined);
}

async function readIfThere(driver: StorageDriver, path: string): Promise<Uint8Array | undefined> {
  try {
    return await driver.get(path);
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}
