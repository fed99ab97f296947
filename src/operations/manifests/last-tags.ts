import { type Digest, isDigest } from "../../oci/digest.ts";
import { tagHistoryLinkPath } from "../../registry/paths.ts";
import { statSmallFile } from "../../registry/small-file.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type HistorySources, readHistory } from "../history/read-history.ts";
import { listAllTagFiles } from "../tags/tag-links.ts";

/** A tag that a manifest had, the last one of which anything is known. */
export interface LastTag {
  tag: string;
  /** In milliseconds since 1970. */
  ms: number;
  /** `until`: it lost the tag then, as an audit says; `since`: it was given the tag then, as its history link says. */
  known: "until" | "since";
}

/** What {@link readLastTags} gives. */
export interface LastTags {
  tags: ReadonlyMap<Digest, LastTag>;
  /** For people: each says what may be missing. */
  problems: string[];
}

/**
 * Finds out which tag each manifest of a repository had last: from what servers and commands have written down and, as far as
 * the tags are still there or have left them, from links in their histories.
 *
 * @throws {StorageUnavailableError} if the histories cannot be listed
 * @throws {CancelledError} when `signal` is aborted
 */
export async function readLastTags(
  driver: StorageDriver,
  repository: string,
  sources: HistorySources,
  signal: AbortSignal | undefined,
): Promise<LastTags> {
  const tags = new Map<Digest, LastTag>();
  for (const [tag, { history }] of await listAllTagFiles(driver, repository, signal)) {
    for (const { digest, modifiedMs } of history) {
      signal?.throwIfAborted();
      const path = tagHistoryLinkPath(repository, tag, digest);
      const ms = modifiedMs ?? (await statSmallFile(driver, path))?.modifiedMs;
      if (ms !== undefined) note(tags, digest, { tag, ms, known: "since" });
    }
  }
  return { tags, problems: await addAudited(tags, repository, sources, signal) };
}

async function addAudited(
  tags: Map<Digest, LastTag>,
  repository: string,
  sources: HistorySources,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const history = await readHistory(sources, { repository, limit: 0, signal });
  try {
    for await (const { repository: name, tag, time, before, after } of history.entries()) {
      if (name !== repository || tag === undefined || before === undefined || before === after) continue;
      if (isDigest(before)) note(tags, before, { tag, ms: Date.parse(time), known: "until" });
    }
  } finally {
    history.close();
  }
  const problems = history.unread.map(({ path, problem }) => `${path} cannot be read: ${problem}`);
  if (history.damagedLines > 0) problems.push(`${history.damagedLines} lines of the history are damaged`);
  return problems;
}

function note(tags: Map<Digest, LastTag>, digest: Digest, last: LastTag): void {
  const known = tags.get(digest);
  if (known === undefined || known.ms < last.ms) tags.set(digest, last);
}
