import { isDeepStrictEqual } from "node:util";
import type { Settings, StorageSettings } from "../../config/settings.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { openDriver } from "../../storage/open-driver.ts";
import { requireStore } from "../require-store.ts";
import { rateFolderIn } from "../state/rate-folder.ts";

/** Opens the store of a running server again where its settings change, such as the keys of a bucket. */
export class ReopenedStore {
  readonly #options: { readOnlyStore: boolean; stateFolder: string | undefined };
  #opened: { settings: StorageSettings; driver: StorageDriver } | undefined;

  constructor(options: { readOnlyStore: boolean; stateFolder: string | undefined }) {
    this.#options = options;
  }

  /**
   * Makes sure that the store can be used with other settings, if they are others.
   *
   * @throws {StorageUnavailableError} if it cannot
   */
  async prepare(current: StorageSettings, { storage, readOnly }: Settings): Promise<void> {
    this.#opened = undefined;
    if (isDeepStrictEqual(current, storage)) return;
    const { readOnlyStore, stateFolder } = this.#options;
    const driver = await openDriver(storage, {
      ...{ readOnly: readOnlyStore, rateFolder: rateFolderIn(stateFolder), env: process.env },
    });
    await requireStore(storage, driver, readOnly || readOnlyStore);
    this.#opened = { settings: storage, driver };
  }

  /** @returns the store as it was prepared; undefined if these settings were not others */
  take(settings: StorageSettings): StorageDriver | undefined {
    const opened = this.#opened;
    this.#opened = undefined;
    return opened !== undefined && isDeepStrictEqual(opened.settings, settings) ? opened.driver : undefined;
  }
}
