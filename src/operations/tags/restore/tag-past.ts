import type { Digest } from "../../../oci/digest.ts";
import type { TagBefore } from "../../../registry/change-watcher.ts";

/** A change of a tag that somebody has written down. */
export interface TagEvent {
  /** In milliseconds since 1970. */
  ms: number;
  /** What the tag pointed to until then; undefined: that is not known. */
  before: Digest | "none" | undefined;
  /** What it has pointed to since. */
  after: Digest | "none";
  /** Who did it, for people. */
  by: string | undefined;
}

/** A link in a tag's history: the last time when the tag was set to a digest, by the store's clock. */
export interface HistoryLink {
  digest: Digest;
  ms: number;
}

/** What is known of a tag. */
export interface TagPast {
  now: TagBefore;
  /** The oldest first. */
  events: readonly TagEvent[];
  links: readonly HistoryLink[];
}

/** Something that a tag pointed to. */
export interface TagCandidate {
  digest: Digest;
  /** The last moment of which anything is known. */
  lastMs: number;
  /** `until`: it pointed there until that moment; `since`: it was set then. */
  known: "until" | "since";
  /** `audit`: somebody wrote that down; `link`: by the store's clock. */
  source: "audit" | "link";
  /** Who changed it then, for people. */
  by: string | undefined;
}

/**
 * @returns everything that a tag is known to have pointed to, also what it points to now; what it pointed to last comes
 *   first
 */
export function candidatesOf({ events, links }: TagPast): TagCandidate[] {
  const found = new Map<Digest, TagCandidate>();
  const add = (candidate: TagCandidate): void => {
    const known = found.get(candidate.digest);
    if (known === undefined || byTime(known, candidate) > 0) found.set(candidate.digest, candidate);
  };
  for (const { digest, ms } of links)
    add({ digest, lastMs: ms, known: "since", source: "link", by: undefined });
  for (const { ms: lastMs, before, after, by } of events) {
    const rest = { lastMs, source: "audit", by } as const;
    if (after !== "none") add({ digest: after, known: "since", ...rest });
    if (before !== undefined && before !== "none") add({ digest: before, known: "until", ...rest });
  }
  return [...found.values()].sort((one, other) => byTime(one, other) || (one.digest < other.digest ? -1 : 1));
}

/** The last one first. Of one moment, what came with it is later than what went. */
function byTime(one: TagCandidate, other: TagCandidate): number {
  if (one.lastMs !== other.lastMs) return other.lastMs - one.lastMs;
  return one.known === other.known ? 0 : one.known === "since" ? -1 : 1;
}

/** What a tag is to be set to, and how it is known; or why that is not clear. */
export type TagChoice = { digest: Digest; why: string | undefined } | { unclear: string };

/** Chooses what a tag pointed to before it came to what it is now. */
export function chooseLast(past: TagPast): TagChoice {
  const others = candidatesOf(past).filter(({ digest }) => digest !== past.now);
  const [last, second] = others;
  if (last === undefined) return { unclear: "nothing is known of what it pointed to before" };
  if (second !== undefined && byTime(last, second) === 0) {
    return { unclear: "it was set to several manifests at one moment, as far as is known" };
  }
  const since = `${last.known} ${timeOf(last.lastMs)}`;
  if (last.source === "audit") return { digest: last.digest, why: `${since}, by the audit` };
  // Copied stores and clocks that were set: what it points to now was not set last, by these times.
  if (!isSetLast(past, last.lastMs))
    return { unclear: "the times of its history links do not tell the order" };
  return { digest: last.digest, why: `${since}, by its history links` };
}

function isSetLast({ now, links }: TagPast, afterMs: number): boolean {
  if (now === "none" || now === "unreadable") return true;
  const own = links.find(({ digest }) => digest === now);
  return own !== undefined && own.ms > afterMs && links.every(({ ms }) => ms <= own.ms);
}

/** Chooses what a tag pointed to at a time. */
export function chooseAt(past: TagPast, atMs: number): TagChoice {
  const sets = [
    ...past.links.map(({ digest, ms }) => ({ ms, to: digest as Digest | "none", by: "its history links" })),
    ...past.events.map(({ ms, after }) => ({ ms, to: after, by: "the audit" })),
  ].sort((one, other) => one.ms - other.ms);
  const at = timeOf(atMs);
  const previous = sets.filter(({ ms }) => ms <= atMs);
  const since = previous.at(-1);
  const next = past.events.find(({ ms, before }) => ms > atMs && before !== undefined);
  // What was set between the time and the change that tells of what was before it is not told by that one.
  const isNear =
    next !== undefined && !sets.some(({ ms, to }) => ms > atMs && ms < next.ms && to !== next.after);
  const until = isNear ? next.before : undefined;
  if (since !== undefined && previous.some(({ ms, to }) => ms === since.ms && to !== since.to)) {
    return { unclear: `it was set to several manifests at ${timeOf(since.ms)}` };
  }
  if (since !== undefined && until !== undefined && since.to !== until) {
    return { unclear: `what is known of ${at} does not agree` };
  }
  const to = until ?? since?.to;
  if (to === undefined) return { unclear: `nothing is known of what it pointed to at ${at}` };
  if (to === "none") return { unclear: `it was not there at ${at}` };
  const why = since === undefined ? "by the audit" : `since ${timeOf(since.ms)}, by ${since.by}`;
  return { digest: to, why };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
