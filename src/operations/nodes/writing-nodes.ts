import { setTimeout as sleep } from "node:timers/promises";
import { RegistryStateError } from "../../errors.ts";
import { type KnownNode, liveNodes, NODE_STALE_MS, type NodeMachine } from "../../state/nodes.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** A server that was made read-only just now says so in its file a moment later. */
const TOLD_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 250;

/**
 * Looks whether a server of ours, on whatever host, takes writes to a store. Other programs leave no file there.
 *
 * @param withinMs - how long to wait for servers to say that they are read-only
 * @returns why somebody may write; undefined if nobody of ours does
 * @throws {StorageUnavailableError}
 */
export async function writingNodesProblem(
  driver: StorageDriver,
  machine: NodeMachine,
  withinMs = TOLD_WITHIN_MS,
): Promise<RegistryStateError | undefined> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const writing = (await liveNodes(driver, machine)).filter(({ readOnly }) => !readOnly);
    const [first] = writing;
    if (first === undefined) return undefined;
    if (waitedMs >= withinMs) return takesWrites(first, writing.length - 1);
    await sleep(LOOK_EVERY_MS);
  }
}

function takesWrites({ pid, host, address, renewedMs }: KnownNode, more: number): RegistryStateError {
  const where = address === "" ? "" : ` at ${address}`;
  const others = more === 0 ? "" : ` and ${more} more`;
  const forgotten = new Date(renewedMs + NODE_STALE_MS).toISOString().slice(0, 19);
  return new RegistryStateError(
    `a server takes writes to this store: process ${pid} on ${host}${where}${others}`,
    {
      hint: `stop it, or make it read-only; if it is gone for good, it is forgotten after ${forgotten}Z`,
    },
  );
}
