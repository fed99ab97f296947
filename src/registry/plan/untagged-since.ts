import type { DigestId } from "../graph/digest-table.ts";
import type { TagEntries } from "../scan/repository-entries.ts";

/** The last time at which a manifest was known to be tagged. */
export interface LastTagged {
  tag: string;
  /** When the tag was last set to the manifest. */
  taggedMs: number;
  /** No later than then, the tag was moved to another manifest. */
  untaggedMs: number;
  /** The newest of all tag-history links that name the manifest. */
  newestLinkMs: number;
}

/**
 * Tells for each manifest in the tag history when it lost its last tag, as late as that can have been.
 *
 * A tag's history has one link for each manifest it ever pointed to, written again whenever it is set to it. So a tag
 * left manifest M when the first link that is newer than M's was first written. What the store tells is when such a
 * link was *last* written, and `current/link` is never older than that move either; the earliest of these times is
 * therefore an upper bound. Where none is newer (times were lost by a copy) it is the later one of M's link and
 * `current/link`. A tag that was deleted has taken its history with it; then only the revision link's time remains,
 * which the caller looks at.
 *
 * Links whose time is not known are left out.
 */
export function lastTaggedTimes(tags: ReadonlyMap<string, TagEntries>): Map<DigestId, LastTagged> {
  const result = new Map<DigestId, LastTagged>();
  for (const [tag, { currentModifiedMs, history }] of tags) {
    const times: number[] = [];
    for (let index = 0; index < history.length; index++) addKnown(times, history.modifiedMs(index));
    addKnown(times, currentModifiedMs);
    times.sort((a, b) => a - b);
    const newestMs = times.at(-1) ?? 0;
    for (let index = 0; index < history.length; index++) {
      const taggedMs = history.modifiedMs(index);
      if (Number.isNaN(taggedMs)) continue;
      const untaggedMs = firstAfter(times, taggedMs) ?? newestMs;
      const id = history.id(index);
      const before = result.get(id);
      const newestLinkMs = Math.max(taggedMs, before?.newestLinkMs ?? taggedMs);
      if (before && before.untaggedMs >= untaggedMs) result.set(id, { ...before, newestLinkMs });
      else result.set(id, { tag, taggedMs, untaggedMs, newestLinkMs });
    }
  }
  return result;
}

function addKnown(times: number[], timeMs: number | undefined): void {
  if (timeMs !== undefined && !Number.isNaN(timeMs)) times.push(timeMs);
}

/** The first of ascending `times` that is greater than `time`. */
function firstAfter(times: readonly number[], time: number): number | undefined {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Number.POSITIVE_INFINITY) > time) high = middle;
    else low = middle + 1;
  }
  return times[low];
}
