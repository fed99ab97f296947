import type { Pattern } from "../../lib/re2-pattern.ts";
import type { TagFacts } from "./tag-source.ts";

/** The tag that goes only when it is named. */
const LATEST = "latest";

/** By which date a tag is old. */
export type AgeBy = "pushed" | "created";

/** Which tags of those that match a pattern go. */
export interface TagRules {
  /** Only these. */
  match: Pattern;
  /** But not these. */
  keep: Pattern | undefined;
  /** Only what is older; undefined: whatever its age. */
  olderThanMs: number | undefined;
  /** So many of those that match, the newest, stay; undefined: none for that. */
  keepNewest: number | undefined;
  ageBy: AgeBy;
  /** By the clock that gave the dates, in milliseconds since 1970. */
  nowMs: number;
}

/** What is decided of a tag. */
export type TagDecision =
  | { tag: TagFacts; goes: true }
  | {
      tag: TagFacts;
      goes: false;
      /** For people. */
      reason: string;
      /** It stays only because something could not be read. */
      isDoubt: boolean;
    };

/**
 * Decides which tags go, by rules that each tag goes through in this order: it must match, must not be `latest`, must not match
 * `keep`, must have a date where dates matter, must not be among the newest, must be old enough. A tag whose date cannot be
 * read, or that has none, stays, and takes none of the places of the newest.
 *
 * @param tags - of one repository
 * @returns what is decided of those that match, in the order of `tags`
 */
export function chooseTags(tags: readonly TagFacts[], rules: TagRules): TagDecision[] {
  const { match, keep, keepNewest = 0 } = rules;
  const matching = tags.filter(({ name }) => match.test(name));
  const reasons = new Map<TagFacts, { reason: string; isDoubt?: boolean }>();
  const dated: { tag: TagFacts; ms: number }[] = [];
  for (const tag of matching) {
    if (tag.name === LATEST) reasons.set(tag, { reason: "latest goes only when it is named" });
    else if (keep?.test(tag.name)) reasons.set(tag, { reason: "it matches --keep" });
    else if (needsDates(rules)) {
      const date = dateOf(tag, rules.ageBy);
      if (typeof date === "number") dated.push({ tag, ms: date });
      else reasons.set(tag, date);
    }
  }
  dated.sort((a, b) => b.ms - a.ms || (a.tag.name < b.tag.name ? 1 : -1));
  for (const [place, { tag, ms }] of dated.entries()) {
    if (place < keepNewest) reasons.set(tag, { reason: `it is among the ${keepNewest} newest` });
    else if (!isOldEnough(ms, rules)) reasons.set(tag, { reason: `it was ${rules.ageBy} too lately` });
  }
  return matching.map((tag) => {
    const staying = reasons.get(tag);
    return staying === undefined
      ? { tag, goes: true }
      : { tag, goes: false, reason: staying.reason, isDoubt: staying.isDoubt ?? false };
  });
}

/** Tells whether rules look at dates at all. */
export function needsDates({
  olderThanMs,
  keepNewest,
}: Pick<TagRules, "olderThanMs" | "keepNewest">): boolean {
  return olderThanMs !== undefined || (keepNewest ?? 0) > 0;
}

function isOldEnough(ms: number, { olderThanMs, nowMs }: TagRules): boolean {
  return olderThanMs === undefined || ms < nowMs - olderThanMs;
}

function dateOf({ pushedMs, created }: TagFacts, by: AgeBy): number | { reason: string; isDoubt: boolean } {
  if (by === "pushed") return pushedMs ?? { reason: "nobody knows when it was pushed", isDoubt: true };
  if (created.kind === "known") return created.ms;
  if (created.kind === "none")
    return { reason: "its image does not say when it was created", isDoubt: false };
  return { reason: `when it was created cannot be read: ${created.reason}`, isDoubt: true };
}
