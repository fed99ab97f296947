import type { LogSettings, Settings } from "../../config/settings.ts";
import type { TagSetRequest } from "../../control/protocol.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { HashedUpload } from "../../registry/upload-hash.ts";
import type { PinAnswer } from "../../server/coordination/pin-table.ts";
import type { UndecidedFor } from "../../server/coordination/undecided-keys.ts";
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
  /** How long leases hold. */
  leaseMs: number;
  /** Where overwrites and deletes are written down; undefined: nowhere. */
  auditFolder?: string | undefined;
  /** See `openDriver`. */
  rateFolder: string | undefined;
  /** Slices of a collector that are condemned at this moment. */
  slices: { slice: number; keys: string[] }[];
  /** The collection that runs at this moment; undefined: none. */
  run?: number;
  /** Keys of which the store may still carry out a change; see `UndecidedKeys`. */
  undecided?: UndecidedFor[];
  /** Repositories that take no writes at this moment. */
  heldNames?: readonly HeldName[] | undefined;
}

/** Why a worker could not begin, or not do what it was asked for. */
export interface StartFailure {
  code: string;
  message: string;
  hint?: string | undefined;
}

/** What a process of the server is busy with. */
export interface ServerLoad {
  uploadsInFlight: number;
  requestsInFlight: number;
}

/** What a worker answers to a {@link SupervisorQuestion}: what was asked for, or why not. */
export interface WorkerAnswer {
  load?: ServerLoad;
  cutOff?: number;
  failure?: string;
  /** The same, where the class of the error is of use. */
  error?: StartFailure;
}

/** From a worker to the supervisor. */
export type WorkerMessage =
  | { type: "answer"; id: number; answer: WorkerAnswer }
  | { type: "booted" }
  | { type: "listening"; address: ListenAddress }
  | { type: "failed"; failure: StartFailure }
  | { type: "upload-acquire"; id: number; uuid: string }
  | { type: "upload-release"; id: number; hashed?: HashedUpload | undefined }
  | { type: "pin-question"; id: number; keys: string[] }
  | { type: "slice-reply"; slice: number; needed: string[] }
  /** A client wants something to be removed: nobody may rely on it until the end is told. */
  | { type: "exclude"; id: number; keys: string[] }
  | { type: "exclude-end"; id: number; isUndecided: boolean }
  /** The store may still write `content` under the keys; answered when all workers know, and the next server will. */
  | { type: "undecided"; id: number; keys: string[]; content: string }
  | { type: "refused"; round: number }
  /** Since before this message, all keys that requests rely on are remembered. */
  | { type: "collection-joined"; run: number }
  /**
   * The last word of a worker that ends in order, when no request is under way any more.
   * `relied` is what its requests have relied on since the collection began, as `LeaseSet.pack` gives it; undefined: none runs.
   */
  | { type: "goodbye"; relied?: string; leasesWritten: boolean };

/** From the supervisor to a worker. */
export type SupervisorMessage =
  | { type: "start"; order: StartOrder }
  | { type: "upload-granted"; id: number; hashed?: HashedUpload | undefined }
  | { type: "upload-lost"; id: number }
  | { type: "pin-answer"; id: number; answer: PinAnswer }
  /** `isExclusion`: a client wants it, so that only what is being written keeps a key. */
  | { type: "slice-propose"; slice: number; keys: string[]; isExclusion?: boolean }
  | { type: "exclude-answer"; id: number; granted: boolean }
  | { type: "slice-withdraw"; slice: number; undecided?: UndecidedFor }
  | { type: "undecided-answer"; id: number }
  | { type: "refuse"; round: number; undecided: UndecidedFor }
  | { type: "collection-begin"; run: number }
  | { type: "collection-end" }
  /** Answered when no earlier write is under way any more. */
  | { type: "read-only"; id: number; on: boolean; drainMs: number }
  /** The same, of writes to these repositories; those to all others are taken. */
  | { type: "hold-names"; id: number; names: readonly HeldName[]; drainMs: number }
  | { type: "load"; id: number }
  | { type: "flush-caches"; id: number }
  /** For one of them. */
  | { type: "set-tag"; id: number; request: TagSetRequest }
  | { type: "log"; settings: LogSettings }
  /** `gently`: others serve on, so that connections may wait for one more request each. */
  | { type: "drain"; gently: boolean };

/** Questions that every worker answers with {@link WorkerAnswer}. */
export type SupervisorQuestion = Extract<
  SupervisorMessage,
  { type: "read-only" | "hold-names" | "load" | "flush-caches" | "set-tag" }
>;

const WORKER_MESSAGES: Readonly<Record<WorkerMessage["type"], readonly string[]>> = {
  answer: ["id", "answer"],
  booted: [],
  listening: ["address"],
  failed: ["failure"],
  "upload-acquire": ["id", "uuid"],
  "upload-release": ["id"],
  "pin-question": ["id", "keys"],
  "slice-reply": ["slice", "needed"],
  exclude: ["id", "keys"],
  "exclude-end": ["id", "isUndecided"],
  undecided: ["id", "keys", "content"],
  refused: ["round"],
  "collection-joined": ["run"],
  goodbye: ["leasesWritten"],
};

const SUPERVISOR_MESSAGES: Readonly<Record<SupervisorMessage["type"], readonly string[]>> = {
  start: ["order"],
  "upload-granted": ["id"],
  "upload-lost": ["id"],
  "pin-answer": ["id", "answer"],
  "slice-propose": ["slice", "keys"],
  "exclude-answer": ["id", "granted"],
  "slice-withdraw": ["slice"],
  "undecided-answer": ["id"],
  refuse: ["round", "undecided"],
  "collection-begin": ["run"],
  "collection-end": [],
  "read-only": ["id", "on", "drainMs"],
  "hold-names": ["id", "names", "drainMs"],
  load: ["id"],
  "flush-caches": ["id"],
  "set-tag": ["id", "request"],
  log: ["settings"],
  drain: ["gently"],
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
