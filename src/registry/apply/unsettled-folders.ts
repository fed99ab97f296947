import { canSettleRemovals, type DurableRemovals } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** So many folders are remembered until they are settled. */
const MAX_FOLDERS = 10_000;

/** Folders from which something was removed that could come back with a power cut, where the store has such things. */
export class UnsettledFolders {
  readonly #driver: DurableRemovals | undefined;
  #folders = new Set<string>();

  constructor(driver: StorageDriver) {
    this.#driver = canSettleRemovals(driver) ? driver : undefined;
  }

  /** In the place of a folder that is gone itself stands the nearest one above it. */
  add(folder: string): void {
    if (this.#driver) this.#folders.add(folder);
  }

  /** As {@link settle}, if they have become many. */
  async settleMany(): Promise<void> {
    if (this.#folders.size >= MAX_FOLDERS) await this.settle();
  }

  /**
   * Makes what was removed from the folders, until now, stay removed. Others may be added meanwhile, the same ones too:
   * they are left to the next time. So are all of them if this rejects.
   *
   * @throws {StorageUnavailableError}
   */
  async settle(): Promise<void> {
    const folders = this.#folders;
    this.#folders = new Set();
    try {
      await this.#driver?.settleRemovals(folders);
    } catch (error) {
      for (const folder of folders) this.#folders.add(folder);
      throw error;
    }
  }
}
