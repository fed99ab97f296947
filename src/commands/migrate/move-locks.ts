import { RegistryStateError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { currentHolder } from "../../process/machine/host-identity.ts";
import { acquireStoreLock, type StoreLock, StoreLockedError } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/**
 * The locks by which a run keeps collections, repairs and other runs of `migrate` out of the stores of a move, from whatever host. The store that is
 * copied to is locked as long as a run works on it, the other one while the registry is held.
 */
export class MoveLocks {
  /** By the location of the store. */
  readonly #locks = new Map<string, StoreLock>();
  readonly #onWarning: (text: string) => void;

  constructor(onWarning: (text: string) => void) {
    this.#onWarning = onWarning;
  }

  /**
   * Locks the store that is copied to, unless it is.
   *
   * @throws {StoreLockedError} if somebody else works on it
   */
  async lockTarget(driver: StorageDriver): Promise<void> {
    await this.#lock(driver);
  }

  /**
   * Locks the store that is copied from. Where it takes no file, a move goes on without.
   *
   * @throws {StoreLockedError} if somebody else works on the store
   */
  async lockSource(driver: StorageDriver): Promise<void> {
    try {
      await this.#lock(driver);
    } catch (error) {
      if (error instanceof StoreLockedError) throw error;
      this.#onWarning(`${driver.location} could not be locked (${messageOf(error)}): run nothing else on it`);
    }
  }

  /** @throws {RegistryStateError} if a lock was lost */
  async check(): Promise<void> {
    for (const lock of this.#locks.values()) {
      await lock.check().catch((cause: unknown) => {
        throw new RegistryStateError(`somebody else may be working on a store: ${messageOf(cause)}`, {
          cause,
          hint: "nothing was changed; run the same command again when that has ended",
        });
      });
    }
  }

  /**
   * Frees what is locked; to be called before a registry takes writes again: a server of ours that was started at a locked store takes none. Never rejects.
   */
  async release(): Promise<void> {
    const locks = [...this.#locks.values()];
    this.#locks.clear();
    for (const lock of locks) await lock.release();
  }

  async #lock(driver: StorageDriver): Promise<void> {
    if (this.#locks.has(driver.location)) return;
    const lock = await acquireStoreLock(driver, currentHolder(), Date.now);
    if (lock.warning !== undefined) this.#onWarning(`no lock was taken: ${lock.warning}`);
    this.#locks.set(driver.location, lock);
  }
}
