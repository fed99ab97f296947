import type { ProbeResult } from "../../client/write-probe.ts";
import type { RegistryStateError } from "../../errors.ts";
import type { SliceGate } from "../../registry/apply/slice-gate.ts";
import type { SweepProgress } from "../../registry/apply/sweep-options.ts";
import type { ManifestRecordSource } from "../../registry/graph/manifest-record-source.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import type { PlanProgress } from "../../registry/plan/plan-collection.ts";
import type { GarbageJournal } from "../../state/journal.ts";
import type { LockHolder } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { ProtectedImages } from "../tags/protected.ts";
import type { VerifyOutcome } from "./garbage-report.ts";

/** What a collection works with. */
export interface GarbageDependencies {
  driver: StorageDriver;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  holder: LockHolder;
  /** Asks whether the registry takes writes. */
  probe: () => Promise<ProbeResult>;
  /** Worker threads that read and that remove; undefined: everything runs in this thread. */
  threads?: { read: number; remove: number } | undefined;
  /** Where a real run writes down what it removes; undefined: nowhere, and no killed run is finished. */
  journal?: GarbageJournal | undefined;
  /**
   * What stands between the run and a server that takes writes meanwhile; undefined: it is proved that nobody writes.
   * Nobody is asked then whether the registry takes writes.
   */
  gate?: SliceGate | undefined;
  /**
   * With a gate, asked before the run and now and then in it.
   *
   * @throws {RegistryStateError} if another server than the gate's works on the store
   */
  requireNoOtherServer?: (() => Promise<void>) | undefined;
  /** What earlier runs have read of manifests; undefined: everything is read. */
  manifestCache?: ManifestRecordSource | undefined;
}

/** What somebody wants of a collection. */
export interface GarbageOptions {
  dryRun: boolean;
  deleteUntagged: boolean;
  graceMs: number;
  /** Spares what was untagged within this time; undefined: no such rule. */
  untaggedForMs: number | undefined;
  /** Stay, whatever needs them; undefined: no such images. */
  protectedImages?: ProtectedImages | undefined;
  /** The most that may go, of bytes and of manifests; undefined: no limit. */
  maxDeletePercent: number | undefined;
  concurrency: number;
  /** Deletions a second, at the most; undefined: as many as there are. */
  maxOpsPerSecond?: number | undefined;
  /** Collects although there is no repository, or no tag. */
  allowEmpty: boolean;
  /** Does without the proof that nobody writes. */
  force: boolean;
  /** Does nothing, instead of failing, when somebody else holds the lock. */
  skipIfLocked: boolean;
  /** The configuration says that a database, not the store, knows what is needed. */
  usesMetadataDatabase: boolean;
  /** Why the store may not be the one that a registry on this host uses. */
  otherStores: readonly RegistryStateError[];
  /** Aborted with a `PlannedStop` it ends the run with a report, with anything else with a `CancelledError`. */
  signal?: AbortSignal | undefined;
  onProgress?: ((event: GarbageProgress) => void) | undefined;
  /** Called with the plan before anything is removed. */
  onPlan?: ((plan: CollectionPlan) => Promise<void>) | undefined;
  /** Asks whether more than `maxDeletePercent` may go; rejects at "no". Undefined: nobody can be asked. */
  confirmLargeDelete?: ((question: string) => Promise<void>) | undefined;
  /** Looks at everything that is left, while the lock is held still; also called in a dry run. */
  verifyAfter?: (() => Promise<VerifyOutcome>) | undefined;
}

/** How far a collection is. */
export type GarbageProgress = PlanStep | SweepStep | VerifyStep;

interface PlanStep {
  step: "plan";
  progress: PlanProgress;
}

/** Told once for each batch. */
interface SweepStep extends SweepProgress {
  step: "sweep";
}

/** Sent by whoever gives `verifyAfter`, so that there is one stream of events. */
interface VerifyStep {
  step: "verify";
  progress: { phase: string; done: number; total?: number };
}
