import type { DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import type { ManifestReferences } from "../../registry/graph/manifest-references.ts";
import type { PagedArray } from "../../registry/graph/paged-array.ts";
import type { HeldDigests } from "./held-digests.ts";
import type { StoredBlobs } from "./stored-blobs.ts";

/**
 * Who needs which bytes of a store, as one scan has found it. "Kept" is always what `garbage-collect` keeps by the same
 * rules: in doubt, everything of a repository.
 */
export interface UsageModel {
  readonly table: DigestTable;
  readonly references: ManifestReferences;
  readonly blobs: StoredBlobs;
  /** In key order of their stored names. */
  readonly repositories: readonly UsageRepository[];
  /**
   * 1 for each digest that some repository keeps with `garbage-collect -m`, 2 for one that is kept without `-m` only; 0
   * for one that nobody keeps, 3 for one that is protected and that no repository has.
   */
  readonly kept: PagedArray;
  /**
   * 1 for each digest that stays with `garbage-collect -m` even if all tags are deleted: what was written lately, what is
   * protected, and everything that a repository keeps in doubt. Undefined unless it was asked for.
   */
  readonly standing: PagedArray | undefined;
  /** What is protected, with all that it needs: it stays whatever is deleted, linked or not. */
  readonly protectedIds: ReadonlySet<DigestId>;
  /** `false`: something could not be listed, so that `garbage-collect` frees no blob, whatever is deleted before. */
  readonly isFreeable: boolean;
  /** What could not be listed or read, so that numbers are uncertain: one line each, for people. */
  readonly problems: readonly string[];
  /** What was noticed besides. */
  readonly notices: readonly string[];
}

/** One repository. */
export interface UsageRepository {
  /** The name that clients use; of a parked one, that which it had before. */
  readonly name: string;
  /** As its path in the store says. */
  readonly storedName: string;
  /** A move has taken it from its name and not finished. */
  readonly isParked: boolean;
  /** Something in it is damaged, so that `garbage-collect` keeps more of it than is needed. */
  readonly isInDoubt: boolean;
  /** What is kept because of this repository. */
  readonly held: HeldDigests;
  readonly tags: UsageTags;
  /** How many manifests it has. */
  readonly manifests: number;
  /** How many of these `garbage-collect -m` would delete. */
  readonly untaggedManifests: number;
  /** When a tag was last set; without tags, when the newest manifest was pushed; undefined: not known. */
  readonly lastPushMs: number | undefined;
}

/** The tags of a repository, in key order. */
export interface UsageTags {
  readonly names: readonly string[];
  /** What each points to; undefined where the link is broken. */
  readonly targets: readonly (DigestId | undefined)[];
  /** When each was last set; undefined where that is not known. */
  readonly pushedMs: readonly (number | undefined)[];
  /**
   * Everything that each needs, whatever else needs it too; empty for a broken link. Undefined unless it was asked for.
   */
  readonly needs: readonly HeldDigests[] | undefined;
  /**
   * What `garbage-collect -m` keeps even if all tags are deleted: what was pushed lately and has no tag, or everything where
   * it finds something damaged. Undefined unless `needs` was asked for.
   */
  readonly keptBesides: HeldDigests | undefined;
}
