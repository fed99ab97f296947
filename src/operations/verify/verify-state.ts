import type { DigestSet } from "../../registry/graph/digest-set.ts";
import type { DigestTable } from "../../registry/graph/digest-table.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { BlobChecksums } from "./blob-checksums.ts";
import type { OnDamage } from "./damage.ts";
import type { FindingLog } from "./finding-log.ts";
import type { GiveWay } from "./give-way.ts";
import type { ManifestContents } from "./manifest-contents.ts";
import type { StoredBlobs } from "./stored-blobs.ts";
import type { UncheckedLog } from "./unchecked-log.ts";
import type { CheckedAmounts, UnneededAmounts } from "./verify-report.ts";

/** What all repositories of a verification share. */
export interface VerifyState {
  driver: StorageDriver;
  table: DigestTable;
  blobs: StoredBlobs;
  manifests: ManifestContents;
  /** Undefined if no checksums were asked for. */
  checksums: BlobChecksums | undefined;
  findings: FindingLog;
  onDamage: OnDamage;
  unchecked: UncheckedLog;
  checked: CheckedAmounts;
  unneeded: UnneededAmounts;
  /** How many files are read at a time. */
  concurrency: number;
  giveWay: GiveWay;
  /** Emptied and filled for each repository, out of the same memory. */
  sets: { revisions: DigestSet; layers: DigestSet; referenced: DigestSet };
}
