import type { Digest } from "../oci/digest.ts";

/** What a tag pointed to before it was changed; `none`: it was not there; `unreadable`: its link is broken. */
export type TagBefore = Digest | "none" | "unreadable";

/**
 * Is told of what a repository's tags and manifests have become, as soon as it is so in the store: also when what was to
 * follow fails. Must not throw.
 */
export interface ChangeWatcher {
  /** The tag points to `after`, to which it may have pointed before. */
  tagSet(tag: string, before: TagBefore, after: Digest): void;
  tagDeleted(tag: string, before: TagBefore): void;
  /** The revision link is gone. */
  manifestDeleted(digest: Digest): void;
}
