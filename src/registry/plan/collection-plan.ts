import type { Digest } from "../../oci/digest.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { DigestTable } from "../graph/digest-table.ts";
import type { ManifestReferences } from "../graph/manifest-references.ts";
import type { Amounts } from "./amounts.ts";
import type { BlobPlan } from "./blob-plan.ts";
import type { CollectionRules } from "./collection-rules.ts";
import type { RepositoryPlan } from "./repository-plan.ts";

/** Everything that a collection will remove, and what it found. */
export interface CollectionPlan {
  rules: CollectionRules;
  table: DigestTable;
  references: ManifestReferences;
  /** Those of the protected digests of which there is a blob. */
  protectedStored: ReadonlySet<Digest>;
  /** Repositories of which something goes, in key order. */
  repositories: readonly RepositoryPlan[];
  /** Repositories of which nothing but empty folders is left. */
  emptyRepositories: readonly string[];
  blobs: BlobPlan;
  /** Names by the owner numbers of `blobs`. */
  ownerNames: ReadonlyMap<number, string>;
  /** Blobs that stay. */
  marked: { blobs: number; bytes: number };
  eligible: Amounts;
  found: FoundAmounts;
  warnings: readonly string[];
  /** Keys of an object store that stand for folders: how many, and the first few. Never touched. */
  folderMarkers: { count: number; first: readonly string[] };
  /** Files that writers have left behind, or are still writing. */
  temporaryFiles: number;
  /** Folders named by a digest with nothing for it in them, which nothing needs: a writer or a collector died there. */
  leftovers: readonly string[];
  /** Folders that could not be listed. */
  failures: readonly ScanFailure[];
  /** Some of them are below `repositories`, or may hide a manifest that was not found: then no blob is planned. */
  rootsAreIncomplete: boolean;
}

/** How much there is. */
export interface FoundAmounts {
  repositories: number;
  tags: number;
  manifests: number;
  blobs: number;
  bytes: number;
}
