import { join } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { AUDIT_FOLDER } from "../../state/audit-log.ts";
import { readRunHistory } from "../../state/run-history.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { linkCollector } from "../collector/collector-link.ts";
import { ContinuousCollection, type RunTimes } from "../collector/continuous-collection.ts";
import { openBarrier } from "../collector/open-barrier.ts";
import { CollectorRunner } from "../collector/run-collector.ts";
import { runJournals } from "../collector/run-journals.ts";
import type { ReadOnlyHold } from "../control/read-only-timer.ts";
import { ReopenedStore } from "../control/reopened-store.ts";
import type { RunningServer } from "../control/running-server.ts";
import { leaseTimeMs } from "../lease-time.ts";
import type { ConfigurableLogger } from "../log/create-logger.ts";
import { joinStore } from "../nodes/join-store.ts";
import type { NodeHeartbeat } from "../nodes/node-heartbeat.ts";
import { rateFolderIn } from "../state/rate-folder.ts";
import { type HoldUpload, UploadPurging } from "../upload-purging.ts";
import type { OtherSeat, SeatOrder } from "../workers/worker-seat.ts";

/** What all seats of a server share. */
export interface SeatServer {
  version: string;
  /** `--read-only-store`. */
  readOnlyStore: boolean;
  running: RunningServer;
  logger: ConfigurableLogger;
  /** Aborted when the server is to end. */
  signal: AbortSignal;
  /** A store asks for writes to be refused, or does so no more; what comes from one that is not served changes nothing. */
  onHold: (seat: StoreSeat, hold: ReadOnlyHold | undefined) => Promise<void>;
}

/** Options of {@link StoreSeat}. */
export interface SeatOptions {
  storage: StorageDriver;
  /** Of the store's state; undefined: nothing is kept over the end of the server. */
  stateFolder: string | undefined;
  server: SeatServer;
}

/**
 * A server's seat at a store: all that it does there beside answering requests. It is known to other servers there, purges
 * uploads, collects garbage, and has a place for the state. While a server goes from one store to another it has two seats.
 */
export class StoreSeat {
  readonly stateFolder: string | undefined;
  readonly #options: SeatOptions;
  readonly #purging: UploadPurging;
  readonly #continuous: ContinuousCollection;
  readonly #reopened: ReopenedStore;
  #node: NodeHeartbeat | undefined;
  #collections: CollectorRunner | undefined;
  #leave: () => void = () => {};
  readonly #left: Promise<void>;

  constructor(options: SeatOptions) {
    const { storage, stateFolder, server } = options;
    const { running, logger, signal, readOnlyStore } = server;
    this.#options = options;
    this.stateFolder = stateFolder;
    this.#purging = new UploadPurging({ driver: storage, logger, signal });
    this.#reopened = new ReopenedStore({ readOnlyStore, stateFolder });
    this.#continuous = new ContinuousCollection({
      collect: (request, onEvent) => running.collect(request, onEvent),
      lastRun: () => lastRunIn(stateFolder),
      openJournal: runJournals({ stateFolder, store: () => running.settings.storage, logger }),
      logger,
    });
    this.#left = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  /** Undefined: there is no collecting at this store. */
  get collections(): CollectorRunner | undefined {
    return this.#collections;
  }

  /** Where workers find the state of the store. */
  order(settings: Settings): SeatOrder {
    const { storage, stateFolder } = this.#options;
    return {
      leaseFolder: stateFolder === undefined ? undefined : join(stateFolder, "leases"),
      leaseMs: leaseTimeMs(settings.gc.reviewAfterMs, storage),
      auditFolder: stateFolder === undefined ? undefined : join(stateFolder, AUDIT_FOLDER),
      rateFolder: rateFolderIn(stateFolder),
    };
  }

  /**
   * Makes the server known at the store, and sees whether it may serve it. To be called before anybody serves it.
   *
   * @returns why the store asks for writes to be refused; undefined: it does not
   * @throws {RegistryStateError} if another server of this machine works on the data directory
   */
  async join(settings: Settings): Promise<ReadOnlyHold | undefined> {
    const { storage, server } = this.#options;
    const { readOnlyStore, version, running, logger, onHold } = server;
    const joined = await joinStore({
      ...{ storage, settings, readOnlyStore, version, logger },
      isReadOnly: () => running.isReadOnly,
      // Whoever leaves must not wait for a turn that waits for the end of this.
      onHold: (hold) => Promise.race([onHold(this, hold), this.#left]),
    });
    this.#node = joined?.node;
    return joined?.hold;
  }

  /**
   * Prepares what its workers need: waits until no process of an earlier server works on the store any more.
   *
   * @throws {RegistryStateError} if one cannot be ended
   */
  async openForWorkers(settings: Settings): Promise<OtherSeat> {
    const { storage, stateFolder, server } = this.#options;
    const { running, version, readOnlyStore, logger } = server;
    const order = this.order(settings);
    const { leaseFolder, leaseMs, rateFolder } = order;
    const barrier = await openBarrier({ stateFolder, leaseFolder, leaseMs, driver: storage, logger });
    this.#collections = new CollectorRunner({
      config: () => running.plainConfig,
      ...{ version, readOnlyStore, stateFolder, rateFolder, logger },
      attach: (collector) => linkCollector(collector, barrier),
    });
    return { order, barrier };
  }

  /** Its workers serve: from now on it works at the store by itself. */
  start(settings: Settings, holdUpload: HoldUpload): void {
    this.#purging.start(settings, holdUpload);
    if (this.#collections && !this.#options.server.readOnlyStore) this.#continuous.start(settings);
  }

  /**
   * Makes sure that the same store can be used with other settings, before they are in use.
   * @throws {StorageUnavailableError} if it cannot
   */
  prepare(current: Settings, next: Settings): Promise<void> {
    return this.#reopened.prepare(current.storage, next);
  }

  /** Other settings are in use, of the same store. */
  configure(settings: Settings): void {
    const driver = this.#reopened.take(settings.storage);
    if (driver !== undefined) for (const user of [this.#purging, this.#node]) user?.useDriver(driver);
    this.#follow(settings);
  }

  /** Writes are refused, or taken, from now on. */
  readOnlyChanged(settings: Settings): void {
    this.#follow(settings);
    this.#node?.changed();
  }

  #follow(settings: Settings): void {
    this.#purging.configure(settings);
    this.#continuous.configure(settings);
  }

  /** Leaves the store. Workers may still read from it. */
  async end(): Promise<void> {
    this.#leave();
    this.#continuous.end();
    await Promise.all([this.#collections?.end(), this.#purging.end()]);
    await this.#node?.end();
  }
}

function lastRunIn(stateFolder: string | undefined): RunTimes | undefined {
  const { last } = readRunHistory(stateFolder === undefined ? [] : [stateFolder]);
  return last && { beganMs: Date.parse(last.startedAt), endedMs: Date.parse(last.endedAt) };
}
