import type { Logger } from "../../lib/logger.ts";
import type { CollectionBarrier } from "../collector/collection-barrier.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { StartOrder } from "./messages.ts";

/** Options of {@link import("./supervisor.ts").Supervisor}. */
export interface SupervisorOptions {
  order: StartOrder;
  /** How many workers; at least 1. */
  workers: number;
  logger: Logger;
  /** Asks for a drain and an end. */
  signal: AbortSignal;
  /**
   * Called once, when all workers listen.
   * @param holdUpload - keeps them from an upload that none of them writes; undefined if one does
   */
  onListening: (address: ListenAddress, holdUpload: (uuid: string) => (() => void) | undefined) => void;
  /** Decides with the workers what may be removed. Default: one for a store that no collection works on. */
  barrier?: CollectionBarrier | undefined;
  /** Program of a worker. */
  workerProgram?: URL;
}
