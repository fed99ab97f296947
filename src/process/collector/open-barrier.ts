import { join } from "node:path";
import type { Logger } from "../../lib/logger.ts";
import { UNDECIDED_MS } from "../../registry/apply/slice-gate.ts";
import { isRemote } from "../../registry/remote-store.ts";
import { FileSliceRecords, NoSliceRecords, type SliceRecords } from "../../state/slice-records.ts";
import { WrittenLeases } from "../../state/written-leases.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { currentMachine } from "../machine/run-process.ts";
import { ChildRecords } from "./child-records.ts";
import { CollectionBarrier } from "./collection-barrier.ts";

/** What a server needs to decide what may be removed. */
export interface OpenBarrierOptions {
  /** Of the store; undefined: nothing is remembered, and no collection may run beside the server. */
  stateFolder: string | undefined;
  /** Where workers write their leases. */
  leaseFolder: string | undefined;
  /** How long a lease holds. */
  leaseMs: number;
  driver: StorageDriver;
  logger: Logger;
}

/**
 * Makes the barrier of a server, and takes over what an earlier one has left. To be called before the first worker
 * is started: waits until no process of an earlier server of this machine can write or remove anything any more.
 *
 * @throws {RegistryStateError} if one cannot be ended
 */
export async function openBarrier(options: OpenBarrierOptions): Promise<CollectionBarrier> {
  const { stateFolder, leaseFolder, leaseMs, driver, logger } = options;
  const folder = stateFolder === undefined ? undefined : join(stateFolder, "children");
  const children = new ChildRecords({ folder, machine: currentMachine(), logger });
  await children.endOrphans();
  return new CollectionBarrier({
    leases: new WrittenLeases({ folder: leaseFolder, leaseMs, logger }),
    records: recordsOf(driver, stateFolder),
    children,
    logger,
  });
}

function recordsOf(driver: StorageDriver, stateFolder: string | undefined): SliceRecords {
  if (stateFolder === undefined || !isRemote(driver)) return new NoSliceRecords(isRemote(driver));
  const now = Date.now();
  return new FileSliceRecords(join(stateFolder, "slices"), now, now + UNDECIDED_MS);
}
