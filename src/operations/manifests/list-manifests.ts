import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { Digest } from "../../oci/digest.ts";
import { OutageWatch } from "../../registry/outage-watch.ts";
import { classifyPath, revisionsPath } from "../../registry/paths.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { scanFiles } from "../../registry/scan/scan-files.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { HistorySources } from "../history/read-history.ts";
import { storedContent } from "../tags/manifest-content.ts";
import { type ManifestFacts, ManifestReader } from "../tags/manifest-facts.ts";
import { namesByDigest } from "../tags/names-by-digest.ts";
import type { TagTarget } from "../tags/tag-source.ts";
import { type LastTag, readLastTags } from "./last-tags.ts";

/** A manifest of a repository. */
export interface ListedManifest extends ManifestFacts {
  digest: Digest;
  /** Tags on it, in byte order. */
  tags: string[];
  /** A tag leads to it: its own, that of an index which lists it, or that of what it is attached to. */
  isReached: boolean;
  lastTag: LastTag | undefined;
}

/** Options of {@link listManifests}. */
export interface ListManifestsOptions {
  repository: string;
  /** The tags of the repository. */
  tags: readonly TagTarget[];
  /** Only those to which no tag leads. */
  untagged: boolean;
  /** Where it is written down what became of tags. */
  history: HistorySources;
  signal?: AbortSignal | undefined;
}

/**
 * Lists the manifests of a repository with what is known of them, those that nobody has tagged for the longest time last.
 *
 * @returns the manifests, and problems for people: each says what may be missing
 * @throws {StorageUnavailableError} if they cannot be listed, or the store answers no more
 */
export async function listManifests(
  driver: StorageDriver,
  { repository, tags, untagged, history, signal }: ListManifestsOptions,
): Promise<{ manifests: ListedManifest[]; problems: string[] }> {
  const watch = new OutageWatch(driver, signal);
  const digests = await listRevisions(driver, repository, signal);
  const last = await readLastTags(driver, repository, history, signal);
  const reader = new ManifestReader(storedContent(watch.driver), {
    created: true,
    size: true,
    platforms: true,
  });
  const facts = new Map<Digest, ManifestFacts>();
  try {
    await forEachConcurrently(digests, usualConcurrency(driver), async (digest) => {
      watch.signal.throwIfAborted();
      facts.set(digest, await reader.facts(digest));
    });
  } finally {
    watch.check();
  }
  const reached = reachedFrom(tags, facts);
  const names = namesByDigest(tags);
  const manifests = [...facts].map(([digest, each]) => ({
    ...each,
    ...{ digest, tags: names.get(digest) ?? [], isReached: reached.has(digest) },
    lastTag: last.tags.get(digest),
  }));
  return {
    manifests: manifests.filter(({ isReached }) => !untagged || !isReached).sort(byLastTag),
    problems: last.problems,
  };
}

async function listRevisions(
  driver: StorageDriver,
  repository: string,
  signal: AbortSignal | undefined,
): Promise<Digest[]> {
  const digests: Digest[] = [];
  const failures: unknown[] = [];
  const options = { onFailure: ({ error }: { error: unknown }) => failures.push(error), signal };
  for await (const batch of scanFiles(driver, revisionsPath(repository), options)) {
    for (const { path } of batch) {
      const entry = classifyPath(path);
      if (entry.kind === "revisionLink") digests.push(entry.digest);
    }
  }
  if (failures.length > 0) throw failures[0];
  return digests;
}

/** What an index lists is reached with it, and what is attached to something with that. */
function reachedFrom(
  tags: readonly TagTarget[],
  facts: ReadonlyMap<Digest, ManifestFacts>,
): ReadonlySet<Digest> {
  const attached = new Map<Digest, Digest[]>();
  for (const [digest, { subject }] of facts)
    if (subject !== undefined) attached.set(subject, [...(attached.get(subject) ?? []), digest]);
  const reached = new Set<Digest>(tags.flatMap(({ digest }) => digest ?? []));
  // A set gives what is added to it while it is gone through.
  for (const digest of reached) {
    for (const child of facts.get(digest)?.children ?? []) reached.add(child);
    for (const referrer of attached.get(digest) ?? []) reached.add(referrer);
  }
  return reached;
}

function byLastTag(a: ListedManifest, b: ListedManifest): number {
  const [left, right] = [a.lastTag?.ms ?? 0, b.lastTag?.ms ?? 0];
  return right - left || (a.digest < b.digest ? -1 : 1);
}
