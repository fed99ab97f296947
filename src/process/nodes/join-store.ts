import type { Settings } from "../../config/settings.ts";
import type { Logger } from "../../lib/logger.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { requireAlone } from "../control/require-alone.ts";
import { currentHolder } from "../machine/host-identity.ts";
import { describeListenAddress, parseListenAddress } from "../workers/listen-address.ts";
import { NodeHeartbeat, type NodeHeartbeatOptions, type NodeHold } from "./node-heartbeat.ts";

/** What {@link joinStore} needs. */
export interface JoinStoreOptions extends Pick<NodeHeartbeatOptions, "isReadOnly" | "onHold"> {
  storage: StorageDriver;
  settings: Settings;
  readOnlyStore: boolean;
  version: string;
  logger: Logger;
}

/** A server that is known at a store. */
export interface JoinedStore {
  node: NodeHeartbeat;
  /** Why the store asks for writes to be refused from the start. */
  hold: NodeHold | undefined;
}

/**
 * Makes a server known to the others on its store, and sees whether it may serve it. To be called before anybody serves it.
 *
 * @returns undefined where there can be no others, or it must not write that it is there
 * @throws {RegistryStateError} if another server of this machine works on the data directory
 */
export async function joinStore(options: JoinStoreOptions): Promise<JoinedStore | undefined> {
  const { storage, settings, readOnlyStore, version, logger, isReadOnly, onHold } = options;
  if (readOnlyStore || settings.storage.driver === "inmemory") return undefined;
  const machine = currentHolder();
  const node = new NodeHeartbeat({
    ...{ driver: storage, machine, version, logger, isReadOnly, onHold },
    address: describeListenAddress(parseListenAddress(settings.http), settings.http),
  });
  try {
    const hold = await node.start();
    // Several servers of one machine may share a bucket, as several nodes do.
    if (settings.storage.driver === "filesystem") await requireAlone(storage, { id: node.id, machine });
    return { node, hold };
  } catch (error) {
    await node.end();
    throw error;
  }
}
