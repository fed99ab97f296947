import type { ComparableConfig } from "../../config/load-config.ts";
import type { Control, ServerStatus } from "../../control/protocol.ts";
import type { OtherSeat } from "../workers/worker-seat.ts";
import type { CarriedReadOnly } from "./read-only-folders.ts";
import type { ReadOnlyHold } from "./read-only-timer.ts";

/** What collects garbage for a server. */
export interface Collections extends Pick<Control, "collect" | "followCollection" | "stopCollection"> {
  /** The collection under way. */
  readonly current: ServerStatus["collection"];
  /** Begins none from now on. @param why - for people @returns how to end that */
  pause(why: string): () => void;
}

/** A store that is prepared beside the one that a server works on. */
export interface OpenedStore {
  /** For the workers that are to serve it. */
  workers: OtherSeat;
  /** Why that store asks for writes to be refused. */
  hold: ReadOnlyHold | undefined;
  collections: Collections | undefined;
  /** Its workers serve: it is the server's store from now on, and the other one is left. */
  take(): void;
  /** Nothing comes of it: what was prepared is taken back. Never rejects. */
  giveUp(): Promise<void>;
}

/** The stores of a running server: the one on which it works, and another one to which it goes. */
export interface ServerStores {
  /** Folder of the state of the store on which it works; undefined: it has none. */
  readonly stateFolder: string | undefined;
  /**
   * Prepares another store, beside the one that is served meanwhile.
   *
   * @param keep - keeps in that store's state folder too that writes are refused; called before anything else is done there
   * @throws {RegistryCtlError} if it cannot be served; nothing has changed then
   */
  open(config: ComparableConfig, keep: (stateFolder: string) => CarriedReadOnly): Promise<OpenedStore>;
}
