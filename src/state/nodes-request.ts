import { PathNotFoundError } from "../errors.ts";
import { LOCKFILES_ROOT } from "../registry/paths.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { FileTooLargeError } from "../storage/errors.ts";
import { type NodesRequest, parseNodesRequest } from "./node-record.ts";
import { deleteFile, type KnownNode, liveNodes, type NodeMachine } from "./nodes.ts";

/** Where a request to all servers on a store lies: there is one at a time. */
export const NODES_REQUEST_PATH = `${LOCKFILES_ROOT}/registry-ctl.read-only`;
const MAX_BYTES = 64 * 1024;
const LOOK_EVERY_MS = 500;

/** @returns the request that lies in the store, which may have ended by its time; undefined if there is none */
export async function readNodesRequest(driver: StorageDriver): Promise<NodesRequest | undefined> {
  try {
    const bytes = await driver.get(NODES_REQUEST_PATH, MAX_BYTES);
    // Somebody wanted something; what, nobody can tell any more. It holds until it is taken back.
    return parseNodesRequest(bytes) ?? DAMAGED;
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    if (error instanceof FileTooLargeError) return DAMAGED;
    throw error;
  }
}

/**
 * Asks every server on the store to refuse writes, in the place of an earlier request. They look every few seconds, and a
 * server that starts looks before it takes a write.
 */
export async function requestFromNodes(driver: StorageDriver, request: NodesRequest): Promise<void> {
  await driver.put(NODES_REQUEST_PATH, Buffer.from(`${JSON.stringify(request)}\n`));
}

/**
 * Takes a request back, if it is still there.
 *
 * @param id - of the request; undefined: whichever it is
 * @returns whether there was such a request
 */
export async function withdrawFromNodes(driver: StorageDriver, id?: string): Promise<boolean> {
  const request = await readNodesRequest(driver);
  if (request === undefined || (id !== undefined && request.id !== id)) return false;
  await deleteFile(driver, NODES_REQUEST_PATH);
  return true;
}

/** Options of {@link untilAcknowledged}. */
export interface AcknowledgementOptions {
  machine: NodeMachine;
  /** At the most so long. */
  timeoutMs: number;
  sleep: (ms: number) => Promise<unknown>;
  nowMs: () => number;
  signal?: AbortSignal | undefined;
}

/**
 * Waits until all servers on the store obey a request.
 *
 * @returns those that do and those that do not yet; none is missing unless the time was up or `signal` is aborted
 * @throws {StorageUnavailableError}
 */
export async function untilAcknowledged(
  driver: StorageDriver,
  id: string,
  options: AcknowledgementOptions,
): Promise<{ acknowledged: KnownNode[]; missing: KnownNode[] }> {
  const endMs = options.nowMs() + options.timeoutMs;
  for (;;) {
    const nodes = await liveNodes(driver, options.machine);
    const acknowledged = nodes.filter((node) => node.acknowledged === id);
    const missing = nodes.filter((node) => node.acknowledged !== id);
    if (missing.length === 0 || options.nowMs() >= endMs || options.signal?.aborted) {
      return { acknowledged, missing };
    }
    await options.sleep(LOOK_EVERY_MS);
  }
}

const DAMAGED: NodesRequest = {
  schemaVersion: 1,
  id: "damaged",
  reason: `${NODES_REQUEST_PATH} is damaged`,
  by: "",
  requestedAt: new Date(0).toISOString(),
  drainMs: 0,
};
