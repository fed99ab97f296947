import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { digestAlgorithm, digestHex } from "../../oci/digest.ts";
import type { DigestTable } from "../../registry/graph/digest-table.ts";
import type { RepositoryGraph } from "../../registry/graph/repository-graph.ts";
import { repositoryPath } from "../../registry/paths.ts";
import { timeOf } from "../../registry/plan/link-times.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** How {@link readPushTimes} reads. */
export interface PushTimeOptions {
  driver: StorageDriver;
  table: DigestTable;
  /** How many links are looked at a time where the listing has not told their times. */
  concurrency: number;
}

/** When something of one repository was pushed, in milliseconds since 1970; what is not known is left out. */
export interface PushTimes {
  /** When each tag was last set. */
  tags: ReadonlyMap<string, number>;
  /** When the last tag was set; without tags, when the newest manifest was pushed. */
  lastMs: number | undefined;
}

/** Tells when tags were set, or without tags manifests pushed. What the listing has brought is not asked for. */
export async function readPushTimes(
  { entries }: RepositoryGraph,
  options: PushTimeOptions,
): Promise<PushTimes> {
  // Not `tagCurrentLinkPath`: the repository's name may be outside the grammar.
  const folder = `${repositoryPath(entries.name)}/_manifests`;
  const tags = new Map<string, number>();
  const tagged = [...entries.tags].filter(([, { currentModifiedMs }]) => currentModifiedMs !== undefined);
  await forEachConcurrently(
    tagged,
    options.concurrency,
    async ([tag, { currentModifiedMs = Number.NaN }]) => {
      const ms = await knownTime(currentModifiedMs, `${folder}/tags/${tag}/current/link`, options);
      if (ms !== undefined) tags.set(tag, ms);
    },
  );
  if (tagged.length > 0) return { tags, lastMs: newest(tags.values()) };
  const revisions: number[] = [];
  await forEachConcurrently(entries.revisions.keys(), options.concurrency, async (index) => {
    const digest = options.table.digestOf(entries.revisions.id(index));
    const path = `${folder}/revisions/${digestAlgorithm(digest)}/${digestHex(digest)}/link`;
    const ms = await knownTime(entries.revisions.modifiedMs(index), path, options);
    if (ms !== undefined) revisions.push(ms);
  });
  return { tags, lastMs: newest(revisions) };
}

/** @param ms - as the listing has told it; NaN if it has not */
async function knownTime(ms: number, path: string, { driver }: PushTimeOptions): Promise<number | undefined> {
  const known = Number.isNaN(ms) ? await timeOf(driver, path) : ms;
  return known === undefined || !Number.isFinite(known) ? undefined : known;
}

function newest(times: Iterable<number>): number | undefined {
  let last: number | undefined;
  for (const ms of times) if (last === undefined || ms > last) last = ms;
  return last;
}
