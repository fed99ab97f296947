import type { Digest } from "../../oci/digest.ts";

/** By which rules a collection decides. */
export interface CollectionRules {
  /** Roots are only the manifests that a tag points to, instead of all of them. */
  deleteUntagged: boolean;
  /** What was written after this moment, by the store's clock, is kept. */
  keepWrittenAfterMs: number;
  /**
   * false: no time of grace was asked for, so that a plan does not look at the ages of files that were there before it
   * began; the sweep looks once more at each file before it goes. Default true.
   */
  agesMatter?: boolean;
  /** What was untagged after this moment is kept; Infinity: no such rule. */
  keepUntaggedAfterMs: number;
  /**
   * Digests that stay, whatever else says: a manifest with all that it needs, as if a tag led to it; anything else alone. Default: none.
   */
  protectedDigests?: ReadonlySet<Digest>;
}
