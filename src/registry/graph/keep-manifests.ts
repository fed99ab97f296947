import type { DigestTable } from "./digest-table.ts";
import { keptManifests } from "./kept-manifests.ts";
import type { ManifestRecordSource } from "./manifest-record-source.ts";
import type { ManifestReferences } from "./manifest-references.ts";

/** What is kept for the next run is written anew if more than this part of it is of no use any more. */
const STALE_SHARE = 0.1;

/** Leaves what was read to the next run, unless that would hardly help it. */
export async function keepManifests(
  cache: ManifestRecordSource | undefined,
  table: DigestTable,
  references: ManifestReferences,
): Promise<void> {
  const { read, remembered, used } = references.counts;
  const isStale = remembered - used > remembered * STALE_SHARE;
  if (read > 0 || isStale) await cache?.save(keptManifests(table, references));
}
