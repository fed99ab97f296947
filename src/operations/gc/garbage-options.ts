import type { ProbeResult } from "../../client/write-probe.ts";
import type { RegistryStateError } from "../../errors.ts";
import type { SweepPhase } from "../../registry/apply/sweep.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import type { PlanProgress } from "../../registry/plan/plan-collection.ts";
import type { LockHolder } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** What a collection works with. */
export interface GarbageDependencies {
  driver: StorageDriver;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  holder: LockHolder;
  /** Asks whether the registry takes writes. */
  probe: () => Promise<ProbeResult>;
}

/** What somebody wants of a collection. */
export interface GarbageOptions {
  dryRun: boolean;
  deleteUntagged: boolean;
  graceMs: number;
  /** Spares what was untagged within this time; undefined: no such rule. */
  untaggedForMs: number | undefined;
  /** The most that may go, of bytes and of manifests; undefined: no limit. */
  maxDeletePercent: number | undefined;
  concurrency: number;
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
  signal?: AbortSignal | undefined;
  onProgress?: ((event: GarbageProgress) => void) | undefined;
  /** Called with the plan before anything is removed. */
  onPlan?: ((plan: CollectionPlan) => Promise<void>) | undefined;
  /** Asks whether more than `maxDeletePercent` may go; rejects at "no". Undefined: nobody can be asked. */
  confirmLargeDelete?: ((question: string) => Promise<void>) | undefined;
}

/** How far a collection is. */
export type GarbageProgress =
  | { step: "plan"; progress: PlanProgress }
  | { step: "sweep"; phase: SweepPhase; done: number; total: number };
