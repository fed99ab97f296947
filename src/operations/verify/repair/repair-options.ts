import type { ProbeResult } from "../../../client/write-probe.ts";
import type { RegistryStateError } from "../../../errors.ts";
import type { StepJournal } from "../../../state/step-journal.ts";
import type { LockHolder } from "../../../state/store-lock.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import type { VerifyProgress } from "../verify-options.ts";
import type { BlobSource } from "./blob-source.ts";
import type { RepairPlan, UnreadableTag } from "./repair-step.ts";

/** How far a repair is. */
export type RepairProgress =
  | { step: "look"; progress: VerifyProgress }
  | { step: "repair"; done: number; total: number; bytes: number };

/** What a repair works with. */
export interface RepairDependencies {
  driver: StorageDriver;
  /** Undefined: nothing is fetched. */
  source: BlobSource | undefined;
  /** Worker threads that list blobs. */
  threads: number;
  nowMs: () => number;
  holder: LockHolder;
  /** Asks whether the registry takes writes. */
  probe: () => Promise<ProbeResult>;
  journal: StepJournal | undefined;
  /** Of this program. */
  version: string;
  /** Looks what servers have written down of a tag. */
  auditOf: (repository: string, tag: string) => Promise<UnreadableTag["audit"]>;
}

/** What somebody wants of a repair. */
export interface RepairOptions {
  dryRun: boolean;
  /** A dry run whose real one would make the registry read-only by itself: that somebody writes now is no reason to refuse. */
  wouldHold?: boolean;
  /** Per cent of the blobs whose bytes are hashed; undefined: none. Manifests always are. */
  checksumPercent: number | undefined;
  concurrency: number;
  usesMetadataDatabase: boolean;
  /** Why the store may not be the one that a registry on this host uses. */
  otherStores: readonly RegistryStateError[];
  signal: AbortSignal;
  onProgress: (progress: RepairProgress) => void;
  /** Shows what would be done and asks; throws to stop. Called for each look at the store that finds something to do. */
  onPlan: (plan: RepairPlan, round: number) => Promise<void>;
}
