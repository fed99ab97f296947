import type { ProbeResult } from "../../client/write-probe.ts";
import type { Control } from "../../control/protocol.ts";
import type { Service } from "../../control/service.ts";
import { RegistryStateError } from "../../errors.ts";
import type { Duties, KeptDuty } from "../../state/duties.ts";
import type { DutyHolder, DutyPlace, DutyServer } from "../../state/duty.ts";
import type { ConfigFiles } from "../readonly/config-files.ts";
import { type AskRegistry, describeFacts, isDown, isProvedReadOnly } from "../readonly/registry-facts.ts";
import { holdConfiguration } from "./hold-configuration.ts";
import { holdServer } from "./hold-server.ts";
import { holdStopped } from "./hold-stopped.ts";

/** What a run needs of the registry: that it is stopped, or takes no writes. */
export type HoldMode = "offline" | "read-only";

/** Options of {@link holdRegistry}. */
export interface HoldOptions {
  mode: HoldMode;
  /** What for, for people: `garbage-collect --mode read-only`. */
  reason: string;
  /** Who asked for it, for people. */
  by: string;
  /** Uploads under way may go on for so long, then they are cut off. */
  drainMs: number;
  /** Gives up while the registry is being stopped or made read-only; what has been done is undone. */
  signal: AbortSignal;
  /** Says for people what is being done, one line each. */
  onNotice: (text: string) => void;
  /** How long a registry may take to answer after a start, or to be gone after a stop; 60 seconds by default. */
  settleMs?: number;
}

/** The registry as the run needs it. */
export interface Held {
  /** What was done, for people: `read-only until this run ends`. */
  readonly how: string;
  /** Looks whether it is still so: `read-only` or `nobody`; anything else means that writes may happen. Never rejects. */
  check(): Promise<ProbeResult>;
  /**
   * Brings back the state from before, exactly; does so only once. To be called however the run has ended: who dies
   * before that is stood in for by the process that watches.
   *
   * @throws {RegistryCtlError} if it could not be brought back; the hint says how it can be
   */
  release(): Promise<void>;
  /**
   * Leaves the registry as it is now, also when this process has ended: what has to be undone stays written down, until somebody does
   * it. Undefined where nothing was changed.
   */
  keepOn?(): Promise<void>;
}

/** A {@link Held} that can become lasting. */
export interface HeldByDuty extends Held {
  /**
   * Leaves the registry as it is now, also when this process has ended: what has to be undone stays written down.
   *
   * @param untilMs - milliseconds since 1970; undefined: until somebody takes it back
   * @returns what is written down now
   */
  keep(untilMs: number | undefined): Promise<KeptDuty>;
}

/** Something that ends a duty when nobody else does. */
export interface DutyWatch {
  /** Stops watching. */
  stop(): Promise<void>;
  /**
   * Ends the duty now, with the rights that this process had when the watch began.
   *
   * @throws {RegistryCtlError} if that failed; the duty is kept then
   */
  end(): Promise<void>;
}

/** Our running server, and what is needed when it does not run any more. */
export interface HeldServer {
  control: Control;
  /** Path of its control socket. */
  socket: string;
  /** Where it may keep that it is read-only. */
  stateFolders: string[];
  /** How it was started. */
  started: DutyServer;
}

/** What {@link holdRegistry} works with. */
export interface HoldDependencies {
  /** Undefined: it is none of ours, or does not run. */
  server: HeldServer | undefined;
  /** What starts and stops the registry, if that is known. */
  service: Service | undefined;
  ask: AskRegistry;
  files: ConfigFiles;
  /** As `storeName` gives it. */
  store: string;
  place: DutyPlace;
  /** This process. */
  holder: DutyHolder;
  duties: Duties;
  /** Begins to watch a duty; it is called before the change that the duty undoes. */
  watch: (kept: KeptDuty) => Promise<DutyWatch>;
  nowMs: () => number;
}

/**
 * Stops the registry, or makes it read-only, for as long as a run takes. What has to be undone is on the disk before the
 * first change. A registry that is so already is left alone, and stays so.
 *
 * @throws {RegistryStateError} if it cannot be brought into that state, or that cannot be proved; it is as it was then
 */
export async function holdRegistry(dependencies: HoldDependencies, options: HoldOptions): Promise<Held> {
  const { server, service, ask } = dependencies;
  if (server !== undefined && options.mode === "read-only") return holdServer(dependencies, options, server);
  const facts = await ask();
  if (server === undefined && isDown(facts) && (await service?.isRunning()) !== true) {
    return untouched("the registry is stopped already, and stays so", dependencies);
  }
  if (options.mode === "offline") return holdStopped(dependencies, options);
  if (isProvedReadOnly(facts))
    return untouched("the registry is read-only already, and stays so", dependencies);
  if (service === undefined) {
    throw new RegistryStateError(
      `the registry runs (${describeFacts(facts)}), and is no registry-ctl whose control socket could be found`,
      { hint: "say with --service what runs it, so that it can be made read-only and started again" },
    );
  }
  return holdConfiguration(dependencies, options, { service, facts });
}

function untouched(how: string, { ask }: HoldDependencies): Held {
  return { how, check: () => askWrites(ask), release: async () => undefined };
}

/** @returns what a write is answered; that nobody could be asked counts as an answer that proves nothing */
export async function askWrites(ask: AskRegistry): Promise<ProbeResult> {
  try {
    return (await ask()).writes;
  } catch (error) {
    return { kind: "other", answer: error instanceof Error ? error.message : String(error) };
  }
}
