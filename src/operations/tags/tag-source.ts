import type { Digest } from "../../oci/digest.ts";
import type { ManifestContent } from "./manifest-content.ts";

/** When an image was built, as its image config says. */
export type ImageCreated =
  | { kind: "known"; ms: number }
  /** The manifest names no image config with a date: an index, an artifact, a config without `created`. */
  | { kind: "none" }
  /** The manifest or config exists but could not be read this time: nothing may be decided by its age. */
  | { kind: "unreadable"; reason: string };

/** What is known of a tag; a fact that was not wanted is `undefined`, empty, or `none`. */
export interface TagFacts {
  name: string;
  /** What the tag points to. */
  digest: Digest;
  /** `undefined` where the manifest cannot be read, or was not wanted. */
  mediaType: string | undefined;
  /** When the tag was last set, by the store's clock, in milliseconds since 1970; `undefined` where nobody knows (over HTTP). */
  pushedMs: number | undefined;
  /** The `created` of the image config of the tag's own manifest; an index has none. */
  created: ImageCreated;
  /** Own manifest, config and layers, and of an index those of its children, each digest counted once. */
  sizeBytes: number | undefined;
  /** Such as `linux/amd64`, in the order of the index. */
  platforms: string[];
  /** The other tags of the repository on the same digest, in byte order. */
  siblings: string[];
  /** The tag points to a manifest that the repository does not have. */
  isManifestMissing: boolean;
}

/** Which facts to read. Each costs reads: of the tag's link, manifest or image config. */
export interface WantedFacts {
  created: boolean;
  size: boolean;
  platforms: boolean;
  pushed: boolean;
}

/** A tag and what it points to: `undefined` where its link is broken. */
export interface TagTarget {
  name: string;
  digest: Digest | undefined;
}

/** What became of one tag that was to be removed. */
export interface RemovalOutcome {
  name: string;
  /** `gone`: it was not there any more. `moved`: it points to another digest than planned and was left. */
  kind: "removed" | "gone" | "moved" | "failed";
  /** Of `failed` and `moved`. */
  reason?: string;
  /** Of `failed`: trying again later may help. */
  isPassing?: boolean;
}

/** How tags are removed. */
export interface RemovalOptions {
  signal?: AbortSignal | undefined;
  /** Called once for each tag, when it is settled. */
  onOutcome: (outcome: RemovalOutcome) => void;
}

/** Where tags come from: a store, or a registry over HTTP. */
export interface TagSource {
  /** The store or registry, as messages name it. */
  readonly location: string;

  /** The names of the repositories, in byte order; those that a move has parked are left out. */
  repositories(signal?: AbortSignal): AsyncIterable<string>;

  /**
   * The names of a repository's tags, in byte order, by nothing but a listing; none where the repository does not exist.
   *
   * @throws {RegistryCtlError} if the listing cannot be read
   */
  names(repository: string, signal?: AbortSignal): Promise<string[]>;

  /**
   * The tags of a repository in byte order of their names; none where the repository does not exist.
   *
   * @throws {RegistryCtlError} if the listing or a tag's link cannot be read
   */
  tags(repository: string, signal?: AbortSignal): Promise<TagTarget[]>;

  /**
   * What is known of tags of a repository, in byte order of their names. Tags whose link is broken and names that do not exist are left out.
   *
   * @param wanted - the names to describe; `undefined` for every tag
   * @throws {RegistryCtlError} if the listing or a tag's link cannot be read; a manifest or config that cannot be read is told in the facts
   */
  facts(
    repository: string,
    wanted: readonly string[] | undefined,
    wants: WantedFacts,
    signal?: AbortSignal,
  ): Promise<TagFacts[]>;

  /** What reads the manifests of a repository. One that does not answer any more is not asked for each of thousands. */
  manifests(repository: string, signal?: AbortSignal): Pick<ManifestContent, "manifest">;

  /**
   * Finds out before anything is removed whether tags can be removed there at all; where it is missing they can.
   *
   * @param repository - in which something is to be removed
   * @throws {RegistryStateError} if they cannot, and why
   */
  checkRemoval?(repository: string, signal?: AbortSignal): Promise<void>;

  /**
   * Removes tags that still point to the digest given; manifests and other tags on the same digest stay.
   * One outcome for each, in order of completion; what was not begun when the signal came has none.
   *
   * @throws {CancelledError} when the signal came
   */
  remove(repository: string, tags: readonly TagTarget[], options: RemovalOptions): Promise<void>;

  /**
   * Removes what a removal that was killed has left of tags that are not there any more. Only where that can be.
   *
   * @param names - tags that are there all the same stay
   */
  sweepLeftovers?(repository: string, names: readonly string[], signal?: AbortSignal): Promise<void>;
}
