import { createHash } from "node:crypto";
import { byName } from "../../lib/compare-text.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { Digest } from "../../oci/digest.ts";
import { BrokenLinkError } from "../../registry/errors.ts";
import { readLink } from "../../registry/link.ts";
import { classifyPath, tagCurrentLinkPath, tagsPath } from "../../registry/paths.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { scanFiles } from "../../registry/scan/scan-files.ts";
import type { ScannedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** The files of one tag, as a listing gives them. */
export interface TagFiles {
  /** The link that says what the tag points to; without it there is no tag, only what is left of one. */
  current: ScannedFile | undefined;
  /** The links to what it points to and pointed to. */
  history: { path: string; digest: Digest; modifiedMs: number | undefined }[];
}

/**
 * Lists the files of the tags of a repository, which on an object store takes a request for a thousand of them.
 *
 * @param folder - of all tags, or of one
 * @param sparesRequests - takes more time and fewer requests
 * @returns by name of the tag
 * @throws {StorageUnavailableError} if any of it cannot be listed
 */
export async function listTagFiles(
  driver: StorageDriver,
  folder: string,
  signal: AbortSignal | undefined,
  sparesRequests = false,
): Promise<Map<string, TagFiles>> {
  const found = new Map<string, TagFiles>();
  const failures: unknown[] = [];
  const options = {
    onFailure: ({ error }: { error: unknown }) => failures.push(error),
    ...{ wantsMd5: true, sparesRequests },
    signal,
  };
  for await (const batch of scanFiles(driver, folder, options)) {
    for (const file of batch) addFile(found, file);
  }
  if (failures.length > 0) throw failures[0];
  return found;
}

function addFile(found: Map<string, TagFiles>, file: ScannedFile): void {
  const entry = classifyPath(file.path);
  if (entry.kind !== "tagLink" && entry.kind !== "tagHistoryLink") return;
  let files = found.get(entry.tag);
  if (files === undefined) {
    files = { current: undefined, history: [] };
    found.set(entry.tag, files);
  }
  if (entry.kind === "tagLink") files.current = file;
  else files.history.push({ path: file.path, digest: entry.digest, modifiedMs: file.modifiedMs });
}

/** @returns the files of all tags of a repository */
export function listAllTagFiles(
  driver: StorageDriver,
  repository: string,
  signal: AbortSignal | undefined,
  sparesRequests = false,
): Promise<Map<string, TagFiles>> {
  return listTagFiles(driver, tagsPath(repository), signal, sparesRequests);
}

/**
 * Tells what a tag points to without reading its link, where the listing brings the MD5 of its content: that of the digest
 * to which the tag points is among those of its history.
 *
 * @returns undefined if the link has to be read
 */
export function listedTarget({ current, history }: TagFiles): Digest | undefined {
  const md5 = current?.contentMd5;
  return md5 === undefined ? undefined : history.find(({ digest }) => md5Of(digest) === md5)?.digest;
}

/** Tells whether the listing proves that a tag points to a digest. */
export function surelyPointsTo({ current }: TagFiles, digest: Digest): boolean {
  return current?.contentMd5 !== undefined && current.contentMd5 === md5Of(digest);
}

function md5Of(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/**
 * Reads what a tag points to.
 *
 * @returns `broken` if its link holds anything but a digest; undefined if it is gone
 */
export async function readTarget(
  driver: StorageDriver,
  repository: string,
  tag: string,
): Promise<Digest | "broken" | undefined> {
  try {
    return await readLink(driver, tagCurrentLinkPath(repository, tag));
  } catch (error) {
    if (error instanceof BrokenLinkError) return "broken";
    throw error;
  }
}

/** A tag that is there. */
export interface TagLink {
  name: string;
  /** undefined: its link is broken. */
  digest: Digest | undefined;
  /** When its link was written, if the listing tells. */
  pushedMs: number | undefined;
}

/**
 * Finds out what tags point to, by a listing and as few reads as that leaves.
 *
 * @returns in byte order of the names
 */
export async function targetsOf(
  driver: StorageDriver,
  repository: string,
  files: ReadonlyMap<string, TagFiles>,
): Promise<TagLink[]> {
  const links: TagLink[] = [];
  await forEachConcurrently(files, usualConcurrency(driver), async ([name, each]) => {
    if (each.current === undefined) return;
    const target = listedTarget(each) ?? (await readTarget(driver, repository, name));
    if (target === undefined) return;
    const digest = target === "broken" ? undefined : target;
    links.push({ name, digest, pushedMs: each.current.modifiedMs });
  });
  return links.sort(byName);
}
