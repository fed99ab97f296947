/** By which rules a collection decides. */
export interface CollectionRules {
  /** Roots are only the manifests that a tag points to, instead of all of them. */
  deleteUntagged: boolean;
  /** What was written after this moment, by the store's clock, is kept. */
  keepWrittenAfterMs: number;
  /** What was untagged after this moment is kept; Infinity: no such rule. */
  keepUntaggedAfterMs: number;
}
