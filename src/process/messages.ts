import type { Settings } from "../config/settings.ts";
import type { HashedUpload } from "../registry/upload-hash.ts";
import type { PinAnswer } from "../server/coordination/pin-table.ts";
import type { ListenAddress } from "./listen-address.ts";

/** What a worker needs to know to begin. It goes over the channel, never on a command line: it has secrets. */
export interface StartOrder {
  settings: Settings;
  address: ListenAddress;
  /** `http.secret`, or what the supervisor made up: the same for all workers. */
  secret: string;
  /** `--read-only-store`. */
  readOnlyStore: boolean;
  /** Where leases are written; undefined: nowhere. */
  leaseFolder: string | undefined;
  /** See `openDriver`. */
  rateFolder: string | undefined;
  /** Slices of a collector that are condemned at this moment. */
  slices: { slice: number; keys: string[] }[];
}

/** Why a worker could not begin. */
export interface StartFailure {
  code: string;
  message: string;
  hint?: string | undefined;
}

/** From a worker to the supervisor. */
export type WorkerMessage =
  | { type: "booted" }
  | { type: "listening"; address: ListenAddress }
  | { type: "failed"; failure: StartFailure }
  | { type: "upload-acquire"; id: number; uuid: string }
  | { type: "upload-release"; id: number; hashed?: HashedUpload | undefined }
  | { type: "pin-question"; id: number; keys: string[] }
  | { type: "slice-reply"; slice: number; needed: string[] };

/** From the supervisor to a worker. */
export type SupervisorMessage =
  | { type: "start"; order: StartOrder }
  | { type: "upload-granted"; id: number; hashed?: HashedUpload | undefined }
  | { type: "upload-lost"; id: number }
  | { type: "pin-answer"; id: number; answer: PinAnswer }
  | { type: "slice-propose"; slice: number; keys: string[] }
  | { type: "slice-withdraw"; slice: number }
  | { type: "read-only"; on: boolean }
  | { type: "drain" };

const WORKER_MESSAGES: Readonly<Record<WorkerMessage["type"], readonly string[]>> = {
  booted: [],
  listening: ["address"],
  failed: ["failure"],
  "upload-acquire": ["id", "uuid"],
  "upload-release": ["id"],
  "pin-question": ["id", "keys"],
  "slice-reply": ["slice", "needed"],
};

const SUPERVISOR_MESSAGES: Readonly<Record<SupervisorMessage["type"], readonly string[]>> = {
  start: ["order"],
  "upload-granted": ["id"],
  "upload-lost": ["id"],
  "pin-answer": ["id", "answer"],
  "slice-propose": ["slice", "keys"],
  "slice-withdraw": ["slice"],
  "read-only": ["on"],
  drain: [],
};

/**
 * Reads what came over a worker's channel. Both ends are always of one installation, so that the type and the
 * presence of its fields are enough of a check.
 * @throws {Error} if it is no message of a worker
 */
export function parseWorkerMessage(value: unknown): WorkerMessage {
  checkMessage(value, WORKER_MESSAGES);
  return value as WorkerMessage;
}

/** As {@link parseWorkerMessage}, for what came from the supervisor. */
export function parseSupervisorMessage(value: unknown): SupervisorMessage {
  checkMessage(value, SUPERVISOR_MESSAGES);
  return value as SupervisorMessage;
}

function checkMessage(value: unknown, known: Readonly<Record<string, readonly string[]>>): void {
  if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "string") {
    throw new Error("a message between processes has no type");
  }
  const fields = Object.hasOwn(known, value.type) ? known[value.type] : undefined;
  const missing = fields?.find((field) => !(field in value));
  if (fields === undefined || missing !== undefined) {
    throw new Error(`a message between processes of type ${value.type} is not known or has no ${missing}`);
  }
}
