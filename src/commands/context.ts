import type { Readable, Writable } from "node:stream";
import type { ComparableConfig } from "../config/load-config.ts";
import type { LoadedConfig, StorageSettings } from "../config/settings.ts";
import type { Actor } from "../state/actor.ts";
import type { CommandChange } from "../state/command-record.ts";
import type { StorageDriver } from "../storage/driver.ts";

/** The options that every command has; see `ui/options`. */
export interface GlobalFlags {
  /** `-c, --config FILE`. */
  config?: string;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  readOnlyStore?: boolean;
  /** `--env-from SOURCE`, may be given more than once. */
  envFrom?: string[];
  /** `--allow-unimplemented KEY`, may be given more than once. */
  allowUnimplemented?: string[];
}

/** Options of commands that open the store. */
export interface StorageFlags extends GlobalFlags {
  /** `--state-dir DIR`. */
  stateDir?: string;
  /** Run by root on a bucket, it stays root: for a server, which may need it to. */
  keepUser?: boolean;
  /** Files have the times that the store gives them: for a server, which measures what it has written itself. */
  storeTimes?: boolean;
}

/** How a command finds its configuration. */
export interface ConfigRequest {
  /** The optional last argument of commands that take one. */
  argument?: string | undefined;
  flags: GlobalFlags;
  /** A destructive command never takes `./config.yml` or a missing embedded store unasked. */
  destructive?: boolean;
  /** Nothing is said of it, nor of what is wrong with it: whoever asks does. */
  silent?: boolean;
  /** Keys that must be honoured and are not implemented stop `serve` only; other commands warn. */
  refuseUnimplemented?: boolean;
}

/** A progress line on a terminal; without one a plain line at the start and then one a minute. */
export interface Progress {
  /** @param text - a function is called when the line is drawn, so that it may be given as often as one likes */
  update(text: string | (() => string)): void;
  stop(): void;
}

/**
 * What a command is given instead of `process`: streams, environment, the signal of Ctrl-C, and the few things
 * that every command does the same way.
 */
export interface CommandContext {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Standard input and error are terminals: a question can be asked. */
  readonly interactive: boolean;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Sets the exit code for the case that nothing is thrown; default 0. */
  setExitCode(code: number): void;
  /** From now on SIGHUP calls `listener` and stops nothing, unless there is a terminal, whose end it may tell of. */
  onReloadSignal(listener: () => void): void;
  /** Finds and reads the configuration, says on stderr which one and which store it is, and shows its warnings. */
  loadConfig(request: ConfigRequest): Promise<ComparableConfig>;
  /** Opens the configured store with its wrappers; switches to the registry's user first when run by root. */
  openStorage(config: LoadedConfig, flags: StorageFlags): Promise<StorageDriver>;
  /**
   * Opens a store beside the configured one, such as the one that a registry is moved to; see `loadTarget`. To be called behind
   * {@link openStorage}, which may make the process another user. `--read-only-store` counts for it too.
   */
  openTarget(storage: StorageSettings, flags: StorageFlags): Promise<StorageDriver>;
  /** Writes to stderr unless `--quiet`. */
  notice(text: string, flags: GlobalFlags): void;
  /** @returns the exit code of a command that ends with this error */
  exitCodeOf(error: unknown): number;
  /**
   * Asks yes or no.
   *
   * @param signal - takes the question back, in the place of the context's own
   * @throws {UsageError} without a terminal, {CancelledError} at "no" or when it is taken back
   */
  confirm(question: string, flags: { yes?: boolean }, signal?: AbortSignal): Promise<void>;
  /**
   * Asks for a line of text.
   *
   * @param suggestion - what an empty answer stands for
   * @throws {UsageError} without a terminal, {CancelledError} at Ctrl-C
   */
  askText(question: string, suggestion?: string): Promise<string>;
  /**
   * Asks for something that is not shown while it is typed.
   *
   * @throws {UsageError} without a terminal, {CancelledError} at Ctrl-C
   */
  askSecret(question: string): Promise<string>;
  progress(text: string, flags: GlobalFlags): Progress;
  /** @returns who runs this command, whatever user root has become since */
  actor(): Promise<Actor>;
  /**
   * Says in the journal of commands what is about to be changed: to be called by every command that changes something, as
   * soon as nothing but that is left to do, and before the store is opened, when root becomes another user. Who runs the command
   * and how it ends is written down too. May be called again, also after the change: what is said then is written at the
   * end. Never for a dry run. Never rejects: a journal that cannot be written is warned of.
   */
  recordChange(change: CommandChange): Promise<void>;
  /**
   * To be called where only the store says whether anything is to be changed: then `recordChange` is called just before that is,
   * and this before the store is opened. A command that comes to change nothing is not in the journal. Never rejects.
   */
  expectChange(): Promise<void>;
  /** Prints a result: as one JSON document with `--json`, else as `render` gives it. */
  report<T>(result: T, render: (result: T) => string, flags: GlobalFlags): void;
}
