import type { ProbeResult } from "../../client/write-probe.ts";
import type { RegistryStateError } from "../../errors.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { Moves } from "../../state/moves.ts";
import type { LockHolder } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { MovePlan } from "./plan-move.ts";

/** Names to which a running server lets nobody push. */
export interface HeldNames {
  /** Has the server forget what it remembers of the store. @throws {RegistryStateError} if it has let go of the names */
  dropCaches(): Promise<void>;
  /** @throws {RegistryStateError} if the server has let go of the names */
  check(): void;
  /** Lets pushes in again. Never rejects. */
  release(): Promise<void>;
}

/** A running server of ours, beside which names are moved. */
export interface ServerBeside {
  /** Of its supervisor; undefined: not known. */
  pid: number | undefined;
  /**
   * Waits until no push to the names is under way, and lets none begin.
   *
   * @throws {RegistryStateError} if that cannot be had
   * @throws {CancelledError} when `signal` is aborted before
   */
  hold(names: readonly HeldName[], reason: string, signal: AbortSignal | undefined): Promise<HeldNames>;
}

/** What a move works with. */
export interface MoveDependencies {
  driver: StorageDriver;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  holder: LockHolder;
  /** Asks whether the registry takes writes. Called only if no server of ours holds the names. */
  probe: () => Promise<ProbeResult>;
  /** Undefined: the registry is stopped, read-only or none of ours. */
  server: ServerBeside | undefined;
  /** Undefined: nothing can be remembered. */
  moves: Moves | undefined;
}

/** How far a move is. */
export interface MoveProgress {
  /** Repositories. */
  done: number;
  total: number;
}

/** What else somebody wants of a move. */
export interface MoveOptions {
  dryRun: boolean;
  /** Does without the proof that nobody writes. */
  force: boolean;
  /** A dry run whose real one would hold the registry by itself. */
  wouldHold: boolean;
  usesMetadataDatabase: boolean;
  /** Why the store may not be the one that a registry on this host uses. */
  otherStores: readonly RegistryStateError[];
  /** Shows what would be done and asks; throws to stop. */
  onPlan: (plan: MovePlan) => Promise<void>;
  onProgress?: ((progress: MoveProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}
