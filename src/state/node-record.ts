import { printableLine } from "../lib/printable.ts";
import { asRecord, isText, isTime } from "./json-fields.ts";

/** A server on a store, as it tells the others. */
export interface NodeRecord {
  schemaVersion: 1;
  /** Another one at each start. */
  id: string;
  host: string;
  /** See `LockHolder`. */
  bootId: string;
  pidNamespace: string;
  /** Of its supervisor. */
  pid: number;
  /** Where it listens. */
  address: string;
  version: string;
  /** ISO 8601, UTC, by its own clock. */
  startedAt: string;
  /** It refuses writes, for whatever reason. */
  readOnly: boolean;
  /** The {@link NodesRequest} that it obeys; written when no earlier write is under way any more. */
  acknowledged?: string;
}

/** Asks every server on a store to refuse writes, as long as it lies there. */
export interface NodesRequest {
  schemaVersion: 1;
  /** What the servers acknowledge. */
  id: string;
  /** For people. */
  reason: string;
  /** Who asks, for people. */
  by: string;
  /** ISO 8601, UTC, by the clock of who asks. */
  requestedAt: string;
  /** Uploads under way may go on for so long. */
  drainMs: number;
  /** It ends after so long, counted by the store's clock from when it was written. Undefined: when it is taken back. */
  forMs?: number;
}

/** @returns what a server's file says; undefined if it is damaged */
export function parseNodeRecord(bytes: Uint8Array): NodeRecord | undefined {
  const fields = parseObject(bytes);
  if (!fields) return undefined;
  const { id, host, bootId, pidNamespace, pid, address, version, startedAt, readOnly, acknowledged } = fields;
  if (!isText(id) || !isText(host) || !isText(bootId) || !isText(pidNamespace)) return undefined;
  if (!isCount(pid) || !isText(address) || !isText(version) || !isTime(startedAt)) return undefined;
  return {
    ...{ schemaVersion: 1, id, bootId, pidNamespace, pid, version, startedAt },
    // They become parts of sentences.
    ...{ host: printableLine(host), address: printableLine(address) },
    readOnly: readOnly === true,
    ...(isText(acknowledged) ? { acknowledged } : {}),
  };
}

/** @returns what a request says; undefined if it is damaged */
export function parseNodesRequest(bytes: Uint8Array): NodesRequest | undefined {
  const fields = parseObject(bytes);
  if (!fields) return undefined;
  const { id, reason, by, requestedAt, drainMs, forMs } = fields;
  if (!isText(id) || id === "" || !isTime(requestedAt)) return undefined;
  return {
    schemaVersion: 1,
    id,
    reason: isText(reason) ? printableLine(reason) : "",
    by: isText(by) ? printableLine(by) : "",
    requestedAt,
    drainMs: isCount(drainMs) ? drainMs : 0,
    ...(isCount(forMs) ? { forMs } : {}),
  };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const fields = asRecord(JSON.parse(Buffer.from(bytes).toString("utf8")));
    return fields?.["schemaVersion"] === 1 ? fields : undefined;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
