import type { LogLevel } from "../config/settings.ts";
import type { HeldName } from "../lib/held-name.ts";
import type { Digest } from "../oci/digest.ts";
import type { TagBefore } from "../registry/change-watcher.ts";

/** What a running server tells of itself. */
export interface ServerStatus {
  schemaVersion: 1;
  version: string;
  /** Of the program as it was when the supervisor began; undefined: of a release that does not tell. */
  build?: string;
  /** Of the supervisor. */
  pid: number;
  /** ISO 8601, UTC, like all times here. */
  startedAt: string;
  /** Absolute path; undefined: the embedded configuration. */
  configFile?: string;
  /** Checksum of the settings in use, to be compared with those of the file as it is now. */
  settingsDigest: string;
  /** When the configuration in use was read. */
  configuredAt: string;
  /** As `storeName` gives it: without secrets. */
  store: string;
  /** As clients see it. */
  address: string;
  readOnly: ReadOnlyState;
  workers: WorkerStatus[];
  uploadsInFlight: number;
  requestsInFlight: number;
  logLevel: LogLevel;
  /** The collection under way. */
  collection?: { id: string; startedAt: string; phase: string; progress?: string };
  /** Why it does not serve as it should, for people; empty: all is well. */
  problems: string[];
}

/** A process that answers requests. */
export interface WorkerStatus {
  pid: number;
  state: "starting" | "listening" | "draining";
  startedAt: string;
  uploadsInFlight: number;
  requestsInFlight: number;
  /** It was asked what it does, and did not answer in time: it is very busy, or stuck. */
  isSilent?: boolean;
}

/** Whether writes are refused, and until when. */
export interface ReadOnlyState {
  on: boolean;
  /** It stands in the configuration, or `--read-only-store` was given: it ends with neither time nor command. */
  byConfiguration: boolean;
  /** Nothing but the store asks for it, of all servers there: nobody has asked this one. */
  byStore?: boolean;
  since?: string;
  until?: string;
  /** Who asked for it and what for, for people. */
  reason?: string;
}

/** Wants writes to be refused or taken. */
export interface ReadOnlyRequest {
  on: boolean;
  /** For so long; undefined: until it is taken back. */
  forMs?: number;
  /** For people. */
  reason: string;
  /** Uploads under way may go on for so long, then they are cut off; 0: at once. */
  drainMs: number;
  /**
   * Only if this is still the reason for which writes are refused: that of a request that is to be taken back, whose turn may
   * not even have come. Undefined: in any case.
   */
  onlyIfReason?: string;
}

/** What became of a {@link ReadOnlyRequest}, when every worker has acknowledged it and no earlier write is under way. */
export interface ReadOnlyAnswer {
  before: ReadOnlyState;
  now: ReadOnlyState;
  /** Writes that were cut off at the end of `drainMs`. */
  cutOff: number;
}

/** A key of the configuration that has another value now. */
export interface ChangedKey {
  /** With dots, as in `http.addr`. */
  key: string;
  /** As text, secrets masked; undefined: it is not there. */
  from?: string;
  to?: string;
  /**
   * What it takes to make it true: nothing, new workers, new workers on another store (only while the server is read-only), or
   * a new supervisor.
   */
  applies: "live" | "workers" | "store" | "restart";
}

/** What a reload did. */
export interface ReloadAnswer {
  changed: ChangedKey[];
  /** Workers were replaced. */
  replaced: boolean;
  /** Keys that take effect only when the server is stopped and started. */
  pending: string[];
  /** Only of what would be done: why it would be refused as things are now. Nothing of it would be changed then. */
  refused?: string;
}

/** Wants writes to some repositories to be refused for the moment. */
export interface NamesRequest {
  names: HeldName[];
  /** For people. */
  reason: string;
  /** As in {@link ReadOnlyRequest}. */
  drainMs: number;
}

/** Repositories to which nobody writes: as long as whoever asked for it lives and has not released it. */
export interface NamesHold {
  /** @throws {RegistryStateError} if the server holds them no more */
  check(): void;
  /** Lets writes in again. Never rejects. */
  release(): Promise<void>;
}

/** Wants the running server to collect garbage while it serves. */
export interface CollectionRequest {
  /** Options of the command `garbage-collect`, as on its command line; checked by who sends them and by who runs it. */
  options: string[];
  /** Who asked for it, for people. */
  by: string;
}

/** Wants a tag to point to a manifest that its repository has. */
export interface TagSetRequest {
  repository: string;
  tag: string;
  digest: Digest;
  /** What the tag points to, as far as whoever asks knows. Where it does not any more, nothing is changed. */
  before: TagBefore;
  /** Who asks, for the audit: the command, and who runs it, as the audit writes that. */
  by: { command: string; ranBy: unknown };
}

/** What is heard of a collection that a server runs, in this order; the last one is a `report` or `failed`. */
export type CollectionEvent =
  | { type: "started"; id: string; pid: number }
  | { type: "notice"; text: string }
  | { type: "progress"; text: string }
  /** What `garbage-collect --json` prints. */
  | { type: "report"; report: unknown; exitCode: number }
  | { type: "failed"; code: string; message: string; hint?: string; exitCode: number };

/**
 * What can be asked of a running server over its socket. The server's half implements it, the client's half sends it.
 * All of it rejects with a `RegistryCtlError` that says why not.
 */
export interface Control {
  status(): Promise<ServerStatus>;
  /**
   * Reads the configuration again, from where it was read at the start. What is wrong with it changes nothing. Another store is
   * taken only while the server is read-only, by command or by its configuration; else all of it is refused.
   */
  reload(): Promise<ReloadAnswer>;
  /** Tells what {@link Control.reload} would change. */
  previewReload(): Promise<ReloadAnswer>;
  /**
   * Puts the settings from before the last reload back, without reading any file: what a command does that has reloaded and
   * then found the server unwell. Rejects if nothing was reloaded since the start, or that has been undone already.
   */
  undoReload(): Promise<ReloadAnswer>;
  /** Puts new workers in the place of all, without dropping a request. */
  restart(): Promise<void>;
  /** Ends the server when running requests have ended; resolves when it has begun to. */
  stop(): Promise<void>;
  setReadOnly(request: ReadOnlyRequest): Promise<ReadOnlyAnswer>;
  /**
   * Refuses writes to some repositories: the answer tells clients to try again soon. Everything else is served as before.
   * @param signal - aborted before that: they are not held, and what is under way goes on
   * @returns when every worker has acknowledged it and no earlier write to them is under way
   * @throws {CancelledError} from the other end of a socket, when `signal` is aborted
   */
  holdNames(request: NamesRequest, signal?: AbortSignal): Promise<NamesHold>;
  /** Forgets what is remembered of the store's content. */
  flushCaches(): Promise<void>;
  /** Until the next reload or restart. */
  setLogLevel(level: LogLevel): Promise<void>;
  /** Runs a collection to its end. That nobody listens any more does not end it. */
  collect(request: CollectionRequest, onEvent: (event: CollectionEvent) => void): Promise<void>;
  /** Hears of the collection under way, if there is one, to its end. */
  followCollection(onEvent: (event: CollectionEvent) => void): Promise<boolean>;
  /**
   * Points a tag to a manifest, as a push of that manifest does: nothing that it needs can be collected meanwhile. Rejects if
   * any of it lacks, with nothing changed.
   */
  setTag(request: TagSetRequest): Promise<void>;
  /** Asks the collection under way to stop cleanly. @returns whether there is one */
  stopCollection(): Promise<boolean>;
}
