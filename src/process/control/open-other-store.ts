import type { ComparableConfig } from "../../config/load-config.ts";
import type { Settings, StorageSettings } from "../../config/settings.ts";
import type { ReloadAnswer } from "../../control/protocol.ts";
import { messageOf } from "../../lib/message-of.ts";
import { requireOtherStore } from "../seat/require-other-store.ts";
import type { ReadOnlyKeeper } from "./read-only-timer.ts";
import type { RunningProgram } from "./running-program.ts";
import type { Collections, OpenedStore, ServerStores } from "./server-stores.ts";
import type { ServingHost } from "./serving-host.ts";

/** A running server that may go to another store, as it is at this moment. */
export interface StoreLeaver {
  /** The store that it serves. */
  from: StorageSettings;
  stores: ServerStores;
  readOnly: ReadOnlyKeeper;
  /** Of the store that it serves. */
  collections: Collections | undefined;
}

/** What {@link openOtherStore} works with. */
export interface OtherStoreParts extends StoreLeaver {
  host: ServingHost;
  program: RunningProgram;
  /** Resolves when no process that serves writes anything, nor will. */
  settle: () => Promise<unknown>;
  /** Called before workers are started. */
  prepare: (settings: Settings) => Promise<void>;
}

/**
 * Brings a read-only server to the point at which the workers of another store serve, all of them, beside those of the old one.
 *
 * @throws why that cannot be had; all is as before then
 */
export async function openOtherStore(config: ComparableConfig, parts: OtherStoreParts): Promise<OpenedStore> {
  const { host, stores, readOnly, collections, program, settle, prepare } = parts;
  const { settings } = config;
  requireLeave(parts, settings.storage);
  program.requireSame();
  const goOn = collections?.pause("the server is going to another store");
  let opened: OpenedStore | undefined;
  try {
    await settle();
    await prepare(settings);
    opened = await stores.open(config, (stateFolder) => readOnly.carryTo(stateFolder));
    await host.replace(settings, opened.workers);
    return opened;
  } catch (error) {
    await opened?.giveUp();
    goOn?.();
    throw error;
  }
}

/** @returns why {@link openOtherStore} would refuse a store as things are now, as far as that is known without looking at it */
export function refusalOfOther(leaver: StoreLeaver, to: StorageSettings): Pick<ReloadAnswer, "refused"> {
  try {
    requireLeave(leaver, to);
    return {};
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

function requireLeave({ from, stores, readOnly, collections }: StoreLeaver, to: StorageSettings): void {
  const isCollecting = collections?.current !== undefined;
  requireOtherStore({ from, to, readOnly: readOnly.state, stateFolder: stores.stateFolder, isCollecting });
}
