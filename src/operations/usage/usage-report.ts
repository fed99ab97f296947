/** What rows stand for. */
export const USAGE_KINDS = ["project", "repository", "tag", "layer", "media-type"] as const;

/** See {@link USAGE_KINDS}. */
export type UsageKind = (typeof USAGE_KINDS)[number];

/** By what rows are sorted: by name from the first letter, by anything else from the largest or newest. */
export const SORT_KEYS = [
  "size",
  "name",
  "shared",
  "exclusive",
  "untagged",
  "gitlab",
  "tags",
  "manifests",
  "pushed",
] as const;

/** See {@link SORT_KEYS}. */
export type SortKey = (typeof SORT_KEYS)[number];

/** One row. Sizes are in bytes of blob files; what has no meaning for rows of its kind is left out. */
export interface UsageRow {
  /** A project's path, a repository's name, `repository:tag`, a digest or a media type. */
  name: string;
  /** The project is a guess: nobody has told which part of a name is the project. */
  guessed?: true;
  /** Of a repository that a move has taken from its name and not finished; of a project with such a one. */
  parked?: true;
  /** Something of it is damaged, so that `garbage-collect` keeps more of it than is needed. */
  damaged?: true;
  /** GitLab's, where somebody has told. */
  projectId?: number;
  creatorId?: number;
  /** What a tag points to. */
  digest?: string;
  /** Of a layer: as manifests give it. */
  mediaType?: string;
  /** Of all blobs that it needs, each once. */
  sizeBytes: number;
  /** Of those that something else needs too. */
  sharedBytes?: number;
  /** Of those that nothing else needs: what deleting this frees. */
  exclusiveBytes?: number;
  /** Of those that `garbage-collect -m` would free. */
  untaggedBytes?: number;
  /** The sum of the layers' sizes of each tag's own image, as GitLab's console has it. */
  gitlabBytes?: number;
  /** How many blobs. */
  blobs?: number;
  /** How many repositories; of a layer: that need it. */
  repositories?: number;
  tags?: number;
  manifests?: number;
  /** When something was last pushed, by the store's clock; left out where that is not known. */
  lastPushAt?: string;
}

/** Who has told which part of a repository's name is the project. */
export type ProjectsFrom = { from: "guess"; depth: number } | { from: "list" | "gitlab"; known: number };

/** What `usage --json` prints. */
export interface UsageReport {
  schemaVersion: 1;
  command: "usage";
  by: UsageKind;
  /** Of rows by project. */
  projects?: ProjectsFrom;
  /** What was written within this time counts as kept. */
  graceSeconds: number;
  rows: UsageRow[];
  /** How many rows `--top` has left out. */
  leftOut: number;
  /** Of `--over`: the rows are those that are larger. */
  overBytes?: number;
  /** Of the whole store, whatever the rows show. */
  total: UsageTotal;
  /** Blobs that no repository needs: nobody links them, or only a link of a layer leads to them. */
  orphans: UsageOrphans;
  /** What could not be read or is damaged: numbers may be wrong. */
  problems: string[];
  warnings: string[];
}

/** What all of a store takes. */
export interface UsageTotal {
  repositories: number;
  tags: number;
  manifests: number;
  /** How many blob files there are. */
  blobs: number;
  /** The sum of the blob files' sizes. */
  sizeBytes: number;
  /** Of blobs that more than one row needs, each once; left out where rows share nothing. */
  sharedBytes?: number;
  /** Of blobs that `garbage-collect -m` would free and that some repository has. */
  untaggedBytes: number;
}

/** Blobs that no repository needs. */
export interface UsageOrphans {
  blobs: number;
  sizeBytes: number;
  /** Of those that any `garbage-collect` would free now. */
  freeableBytes: number;
}
