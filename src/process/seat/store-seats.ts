import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ComparableConfig } from "../../config/load-config.ts";
import type { Settings, StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { openDriver } from "../../storage/open-driver.ts";
import type { CarriedReadOnly } from "../control/read-only-folders.ts";
import type { OpenedStore, ServerStores } from "../control/server-stores.ts";
import { refuseMetadataDatabase } from "../refuse-metadata-database.ts";
import { requireStore } from "../require-store.ts";
import { prepareState, reachableState } from "../state/prepare-state.ts";
import { rateFolderIn } from "../state/rate-folder.ts";
import type { HoldUpload } from "../upload-purging.ts";
import { type SeatServer, StoreSeat } from "./store-seat.ts";

/** How long the end of a server waits for what is left of a seat that was given up. */
const END_WITHIN_MS = 10_000;

/** Options of {@link StoreSeats}. */
export interface StoreSeatsOptions {
  first: StoreSeat;
  server: SeatServer;
  /** Takes over what a process reads of the way to a store from the environment of its service. */
  takeEnvironment: (storage: StorageSettings) => Promise<void>;
  /** The server has gone to another store: it is to be found there. */
  onTaken: (settings: Settings, stateFolder: string) => void;
}

/**
 * The seats of a server: at the store that it serves, at one to which it goes, and at those that it has just left. A seat at
 * another store is prepared as a start would, beside the first one; only when workers serve there the server leaves the other.
 */
export class StoreSeats implements ServerStores {
  readonly #options: StoreSeatsOptions;
  #current: StoreSeat;
  #opened: StoreSeat | undefined;
  #holdUpload: HoldUpload = () => undefined;
  readonly #leaving = new Set<Promise<void>>();
  #isEnding = false;

  constructor(options: StoreSeatsOptions) {
    this.#options = options;
    this.#current = options.first;
  }

  /** At the store that is served. */
  get current(): StoreSeat {
    return this.#current;
  }

  get stateFolder(): string | undefined {
    return this.#current.stateFolder;
  }

  /** The first workers serve. */
  start(settings: Settings, holdUpload: HoldUpload): void {
    this.#holdUpload = holdUpload;
    this.#current.start(settings, holdUpload);
  }

  async open(config: ComparableConfig, keep: (stateFolder: string) => CarriedReadOnly): Promise<OpenedStore> {
    const stateFolder = this.#prepareState(config.settings.storage);
    const carried = keep(stateFolder);
    try {
      const seat = await this.#seatAt(config, stateFolder);
      try {
        const hold = await seat.join(config.settings);
        const workers = await seat.openForWorkers(config.settings);
        const { collections } = seat;
        return {
          ...{ workers, hold, collections },
          take: () => this.#take(seat, carried, stateFolder),
          giveUp: async () => {
            await this.#leave(seat);
            carried.takeBack();
          },
        };
      } catch (error) {
        await this.#leave(seat);
        throw error;
      }
    } catch (error) {
      carried.takeBack();
      throw error;
    }
  }

  /** Leaves all stores. To be called when nobody serves any more. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const left = [this.#opened?.end(), ...this.#leaving];
    await Promise.race([Promise.allSettled(left), sleep(END_WITHIN_MS, undefined, { ref: false })]);
    await this.#current.end();
  }

  /** Beside that of the store that is served: so every command finds it that finds the other. */
  #prepareState(storage: StorageSettings): string {
    const { stateFolder } = this;
    const base = stateFolder === undefined ? undefined : dirname(stateFolder);
    const state = base === undefined ? undefined : reachableState(prepareState(storage, base));
    if (state?.folder !== undefined) return state.folder;
    const why = state?.problem === undefined ? "" : `: ${state.problem}`;
    throw new RegistryStateError(`there is no state folder for ${storeName(storage)}${why}`, {
      hint: `make ${base ?? "it"} writable for the registry's user, or stop the server and start it`,
    });
  }

  async #seatAt(config: ComparableConfig, stateFolder: string): Promise<StoreSeat> {
    const { server, takeEnvironment } = this.#options;
    const { readOnlyStore, logger } = server;
    const { storage } = config.settings;
    await takeEnvironment(storage);
    const driver = await openDriver(storage, {
      ...{ readOnly: readOnlyStore, rateFolder: rateFolderIn(stateFolder), env: process.env },
      onNotice: (message) => logger.warn(message),
      onRequest: (line) => logger.info(line),
    });
    // It is to take writes one day, although it takes none now.
    await requireStore(storage, driver, readOnlyStore);
    await refuseMetadataDatabase(config, driver);
    if (this.#isEnding) throw new RegistryStateError("the server is ending");
    const seat = new StoreSeat({ storage: driver, stateFolder, server });
    this.#opened = seat;
    return seat;
  }

  #take(seat: StoreSeat, carried: CarriedReadOnly, stateFolder: string): void {
    const { server, onTaken } = this.#options;
    const { running, logger } = server;
    const left = this.#current;
    carried.commit();
    this.#current = seat;
    this.#opened = undefined;
    seat.start(running.settings, this.#holdUpload);
    onTaken(running.settings, stateFolder);
    logger.info("another store is served from now on", { store: storeName(running.settings.storage) });
    // Its end may wait for a turn of what is under way just now.
    void this.#leave(left);
  }

  #leave(seat: StoreSeat): Promise<void> {
    const leaving = seat
      .end()
      .catch((error: unknown) =>
        this.#options.server.logger.warn("the server has not quite left a store", {
          error: messageOf(error),
        }),
      )
      .finally(() => {
        this.#leaving.delete(leaving);
        if (this.#opened === seat) this.#opened = undefined;
      });
    this.#leaving.add(leaving);
    return leaving;
  }
}
