import { type Digest, digestAlgorithm, digestHex, isDigest } from "../oci/digest.ts";
import { isTag } from "../oci/reference.ts";
import { isStoredName } from "./parked.ts";

/*
 * The storage layout of the Distribution registry, which ours shares byte for byte.
 * @see https://github.com/distribution/distribution/blob/v3.0.0/registry/storage/paths.go
 */

/** Below it is everything that the registry stores. */
export const ROOT = "/docker/registry/v2";
/** Below it are the blobs, shared by all repositories. */
export const BLOBS_ROOT = `${ROOT}/blobs`;
/** Below it are the repositories, folders within folders. */
export const REPOSITORIES_ROOT = `${ROOT}/repositories`;
/** GitLab's lock files. @see https://gitlab.com/gitlab-org/container-registry/-/blob/master/registry/storage/paths.go */
export const LOCKFILES_ROOT = "/docker/registry/lockfiles";
/** When the files of an object store were changed before they were copied into it; a store on a disk keeps that itself. */
export const TIMES_FILE = "/docker/registry/registry-ctl.times";

/** The bytes of a blob. */
export function blobDataPath(digest: Digest): string {
  const hex = digestHex(digest);
  return `${BLOBS_ROOT}/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}/data`;
}

/** The folder of a repository. */
export function repositoryPath(repository: string): string {
  return `${REPOSITORIES_ROOT}/${repository}`;
}

/** The folder of the link that makes a blob part of a repository. */
export function layerFolderPath(repository: string, digest: Digest): string {
  return `${repositoryPath(repository)}/_layers/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** The link that makes a blob part of a repository. */
export function layerLinkPath(repository: string, digest: Digest): string {
  return `${layerFolderPath(repository, digest)}/link`;
}

/** The folder of a repository's manifests and tags; a repository without it is in no catalog. */
export function manifestsPath(repository: string): string {
  return `${repositoryPath(repository)}/_manifests`;
}

/** The folder of a repository's revision links. */
export function revisionsPath(repository: string): string {
  return `${manifestsPath(repository)}/revisions`;
}

/** The folder of the link that makes a manifest part of a repository. */
export function revisionFolderPath(repository: string, digest: Digest): string {
  return `${revisionsPath(repository)}/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** The link that makes a manifest part of a repository. */
export function revisionLinkPath(repository: string, digest: Digest): string {
  return `${revisionFolderPath(repository, digest)}/link`;
}

/** The folder of a repository's tags. */
export function tagsPath(repository: string): string {
  return `${manifestsPath(repository)}/tags`;
}

/** The folder of one tag. */
export function tagPath(repository: string, tag: string): string {
  return `${tagsPath(repository)}/${tag}`;
}

/** The link that says what a tag points to. */
export function tagCurrentLinkPath(repository: string, tag: string): string {
  return `${tagPath(repository, tag)}/current/link`;
}

/** The folder of the links to everything that a tag has ever pointed to. */
export function tagIndexPath(repository: string, tag: string): string {
  return `${tagPath(repository, tag)}/index`;
}

/** The link that remembers that a tag once pointed to a manifest. */
export function tagHistoryLinkPath(repository: string, tag: string, digest: Digest): string {
  return `${tagIndexPath(repository, tag)}/${digestAlgorithm(digest)}/${digestHex(digest)}/link`;
}

/** The folder of a repository's unfinished uploads. */
export function uploadsPath(repository: string): string {
  return `${repositoryPath(repository)}/_uploads`;
}

/** The folder of one upload. */
export function uploadPath(repository: string, uuid: string): string {
  return `${uploadsPath(repository)}/${uuid}`;
}

/** The bytes that an upload has received. */
export function uploadDataPath(repository: string, uuid: string): string {
  return `${uploadPath(repository, uuid)}/data`;
}

/** When an upload began: RFC 3339 text. */
export function uploadStartedAtPath(repository: string, uuid: string): string {
  return `${uploadPath(repository, uuid)}/startedat`;
}

/** What one file of the store is, as its path tells. */
export type Entry =
  | { kind: "blob"; digest: Digest }
  | { kind: "layerLink"; repository: string; digest: Digest }
  | { kind: "revisionLink"; repository: string; digest: Digest }
  | { kind: "tagLink"; repository: string; tag: string }
  | { kind: "tagHistoryLink"; repository: string; tag: string; digest: Digest }
  | { kind: "upload"; repository: string; uuid: string; file: string }
  | { kind: "unknown" };

const UNKNOWN: Entry = { kind: "unknown" };

/**
 * Tells what a file is from its absolute path in the store. Anything that the layout does not have is `unknown`: a
 * folder marker, a stray file, a link below an invalid name, a blob in the wrong two-digit folder.
 */
export function classifyPath(path: string): Entry {
  if (path.startsWith(`${BLOBS_ROOT}/`)) return classifyBlob(path.slice(BLOBS_ROOT.length + 1));
  if (!path.startsWith(`${REPOSITORIES_ROOT}/`)) return UNKNOWN;
  const below = path.slice(REPOSITORIES_ROOT.length + 1);
  const underscore = below.indexOf("/_");
  if (underscore < 0) return UNKNOWN;
  const repository = below.slice(0, underscore);
  if (!isStoredName(repository)) return UNKNOWN;
  const [folder, ...rest] = below.slice(underscore + 1).split("/");
  if (folder === "_layers") return digestLink(rest, (digest) => ({ kind: "layerLink", repository, digest }));
  if (folder === "_uploads") {
    const [uuid, ...file] = rest;
    return uuid && file.length > 0 ? { kind: "upload", repository, uuid, file: file.join("/") } : UNKNOWN;
  }
  if (folder !== "_manifests") return UNKNOWN;
  const [section, ...inside] = rest;
  if (section === "revisions")
    return digestLink(inside, (digest) => ({ kind: "revisionLink", repository, digest }));
  const [tag, what, ...link] = inside;
  if (section !== "tags" || !tag || !isTag(tag)) return UNKNOWN;
  if (what === "current" && link.length === 1 && link[0] === "link")
    return { kind: "tagLink", repository, tag };
  if (what === "index")
    return digestLink(link, (digest) => ({ kind: "tagHistoryLink", repository, tag, digest }));
  return UNKNOWN;
}

function classifyBlob(below: string): Entry {
  const [algorithm, prefix, hex, file, ...more] = below.split("/");
  const digest = `${algorithm}:${hex}`;
  if (file !== "data" || more.length > 0 || !hex || hex.slice(0, 2) !== prefix) return UNKNOWN;
  return isDigest(digest) ? { kind: "blob", digest } : UNKNOWN;
}

function digestLink(parts: string[], entry: (digest: Digest) => Entry): Entry {
  const [algorithm, hex, file, ...more] = parts;
  const digest = `${algorithm}:${hex}`;
  return file === "link" && more.length === 0 && isDigest(digest) ? entry(digest) : UNKNOWN;
}

/** @returns the folder of a file or folder, without slash at its end */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
