import { RegistryStateError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { repositoryPath } from "../paths.ts";
import { readSmallFile } from "../small-file.ts";
import { LINK_STAGES, type RepositoryLinks } from "./repository-links.ts";

/** A tag that two names have, and that points to another manifest under each. */
export interface TagConflict {
  from: string;
  to: string;
  tag: string;
  fromDigest: string;
  toDigest: string;
}

/** @returns the text of a tag's link, without what editors leave behind it; undefined if there is no such link */
export async function readTagText(
  driver: StorageDriver,
  repository: string,
  below: string,
): Promise<string | undefined> {
  const content = await readSmallFile(driver, `${repositoryPath(repository)}/${below}`);
  return content && Buffer.from(content).toString("latin1").trimEnd();
}

/** @returns the tags that both have, and that point to different manifests, by name */
export async function findTagConflicts(
  driver: StorageDriver,
  from: RepositoryLinks,
  to: RepositoryLinks,
  concurrency: number,
): Promise<TagConflict[]> {
  const present = new Set(to.links.tags.map(({ below }) => below));
  const conflicts: TagConflict[] = [];
  const both = from.links.tags.filter(({ below }) => present.has(below));
  await forEachConcurrently(both, concurrency, async ({ below }) => {
    const [fromDigest = "", toDigest = ""] = await Promise.all([
      readTagText(driver, from.name, below),
      readTagText(driver, to.name, below),
    ]);
    if (fromDigest === toDigest) return;
    const tag = below.split("/")[2] ?? below;
    conflicts.push({ from: from.name, to: to.name, tag, fromDigest, toDigest });
  });
  return conflicts.sort((left, right) => (left.tag < right.tag ? -1 : 1));
}

/**
 * Makes sure that everything that one name has is there under the other: every link by its name, which has the digest in it,
 * and every tag by what it points to.
 *
 * @param to - as listed after the copying
 * @throws {RegistryStateError} if something is missing; nothing may be removed then
 */
export async function checkCopy(
  driver: StorageDriver,
  from: RepositoryLinks,
  to: RepositoryLinks,
  concurrency: number,
): Promise<void> {
  for (const stage of LINK_STAGES) {
    const present = new Map(to.links[stage].map((link) => [link.below, link.sizeBytes]));
    const missing = from.links[stage].find(({ below, sizeBytes }) => {
      if (!present.has(below)) return true;
      const copied = present.get(below);
      return stage !== "tags" && copied !== undefined && sizeBytes !== undefined && copied < sizeBytes;
    });
    if (missing === undefined) continue;
    throw new RegistryStateError(
      `${repositoryPath(to.name)}/${missing.below} is not there although it was copied`,
      { hint: "make sure that nobody else changes the repository, then run the same command again" },
    );
  }
  const [conflict] = await findTagConflicts(driver, from, to, concurrency);
  if (conflict === undefined) return;
  throw new RegistryStateError(
    `${conflict.to}:${conflict.tag} points to ${conflict.toDigest}, and ${conflict.from}:${conflict.tag} to ${conflict.fromDigest}`,
    { hint: "make sure that nobody else changes the repository, then run the same command again" },
  );
}
