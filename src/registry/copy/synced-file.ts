import type { Digest } from "../../oci/digest.ts";
import { classifyPath, REPOSITORIES_ROOT } from "../paths.ts";
import { repositoryNameOf } from "../scan/scan-repositories.ts";

/** What a file is to a copy. `other`: nothing that the layout has, which is copied all the same. */
export type SyncedKind = "blob" | "layer" | "revision" | "tag" | "history" | "other";

/** What a path says of a file that is copied. */
export interface SyncedFile {
  kind: SyncedKind;
  /** What the path names. */
  digest: Digest | undefined;
  /** The repository that it belongs to, also where its name is none that clients can push to. */
  repository: string | undefined;
  /** It is among the tags of the repository. */
  isBelowTags: boolean;
}

/** @returns undefined for what belongs to an unfinished upload: that is never copied */
export function syncedFileAt(path: string): SyncedFile | undefined {
  const entry = classifyPath(path);
  switch (entry.kind) {
    case "blob":
      return { kind: "blob", digest: entry.digest, repository: undefined, isBelowTags: false };
    case "layerLink":
      return { kind: "layer", digest: entry.digest, repository: entry.repository, isBelowTags: false };
    case "revisionLink":
      return { kind: "revision", digest: entry.digest, repository: entry.repository, isBelowTags: false };
    case "tagLink":
      return { kind: "tag", digest: undefined, repository: entry.repository, isBelowTags: true };
    case "tagHistoryLink":
      return { kind: "history", digest: entry.digest, repository: entry.repository, isBelowTags: true };
    case "upload":
      return undefined;
    case "unknown":
      return otherAt(path);
  }
}

function otherAt(path: string): SyncedFile | undefined {
  const isInRepositories = path.startsWith(`${REPOSITORIES_ROOT}/`);
  const repository = isInRepositories ? repositoryNameOf(path) : undefined;
  if (repository === undefined) return { kind: "other", digest: undefined, repository, isBelowTags: false };
  const below = path.slice(REPOSITORIES_ROOT.length + repository.length + 2);
  if (below.startsWith("_uploads/")) return undefined;
  return { kind: "other", digest: undefined, repository, isBelowTags: below.startsWith("_manifests/tags/") };
}
