import { compareText } from "../../lib/compare-text.ts";
import type { CleanupRules } from "./cleanup-rules.ts";

/**
 * The step that decides about a tag, in the order in which they are taken; a tag that none keeps is deleted.
 * `max_list_size` keeps it for this run only. `protected` is no step of GitLab's.
 */
export type CleanupStep =
  | "latest"
  | "name_regex_delete"
  | "name_regex_keep"
  | "max_list_size"
  | "no_manifest"
  | "keep_n"
  | "older_than"
  | "protected"
  | "delete";

/** What is to be known of a tag whose name does not keep it. */
export interface DatedTag {
  name: string;
  hasManifest: boolean;
  /** When the image was created, in milliseconds since 1970; `undefined` if its manifest does not say. */
  createdMs: number | undefined;
  isProtected: boolean;
}

/** How long the list of tags may be. */
export interface ListCut {
  /** 0 is no limit. */
  maxListSize: number;
  /** The last tag that the run before looked at; `undefined` to begin with the first. */
  continueAfter: string | undefined;
}

/** What the names alone decide. */
export interface NameDecision {
  /** The tags that are kept, by the step that keeps them. */
  kept: Map<string, CleanupStep>;
  /** The others, in byte order as far as they were not cut. */
  candidates: string[];
  /** Where the next run begins; `undefined` if this one came to the end of the list. */
  continueAfter: string | undefined;
}

/**
 * Takes the steps for which names are enough: leaves out `latest`, what name_regex_delete does not match and what name_regex_keep does, and
 * cuts the list to max_list_size and keep_n more.
 *
 * GitLab cuts by drawing lots. Here the list is in byte order of the names and the cut begins behind the last name of the run
 * before, so that every tag has its turn and the same tags are cut when it is asked twice. Whatever is cut off, no tag is deleted that keep_n
 * of the whole list would keep: the newest of all are the newest of any part.
 */
export function decideByName(names: readonly string[], rules: CleanupRules, cut: ListCut): NameDecision {
  const kept = new Map<string, CleanupStep>();
  const matching: string[] = [];
  for (const name of names) {
    const step = stepByName(name, rules);
    if (step === undefined) matching.push(name);
    else kept.set(name, step);
  }
  matching.sort(compareText);
  const { within, beyond, continueAfter } = cutList(matching, rules.keepN ?? 0, cut);
  for (const name of beyond) kept.set(name, "max_list_size");
  return { kept, candidates: within, continueAfter };
}

/**
 * Takes the other steps: leaves out tags without a manifest, the newest keep_n, and what is not older than older_than.
 *
 * As in GitLab, a tag without a date is as new as can be: it is sorted as if created at this moment, and is never older than anything. Of
 * tags with the same date the one whose name is later in byte order is the newer.
 *
 * @param tags - the candidates that {@link decideByName} gives
 * @returns the step that decides, by the name of the tag
 */
export function decideByDate(
  tags: readonly DatedTag[],
  rules: CleanupRules,
  nowMs: number,
): Map<string, CleanupStep> {
  const steps = new Map<string, CleanupStep>();
  for (const { name, hasManifest } of tags) if (!hasManifest) steps.set(name, "no_manifest");
  const newestFirst = tags
    .filter(({ hasManifest }) => hasManifest)
    .sort((a, b) => compareNewestFirst(a, b, nowMs));
  for (const [rank, tag] of newestFirst.entries()) steps.set(tag.name, stepByDate(tag, rank, rules, nowMs));
  return steps;
}

/** Sorts tags as keep_n counts them. */
export function compareNewestFirst(
  a: Pick<DatedTag, "name" | "createdMs">,
  b: Pick<DatedTag, "name" | "createdMs">,
  nowMs: number,
): number {
  return (b.createdMs ?? nowMs) - (a.createdMs ?? nowMs) || compareText(b.name, a.name);
}

function stepByName(name: string, { deletes, keeps }: CleanupRules): CleanupStep | undefined {
  if (name === "latest") return "latest";
  if (!deletes?.test(name)) return "name_regex_delete";
  return keeps?.test(name) ? "name_regex_keep" : undefined;
}

function stepByDate(tag: DatedTag, rank: number, rules: CleanupRules, nowMs: number): CleanupStep {
  const { keepN, olderThanMs } = rules;
  if (keepN !== undefined && rank < keepN) return "keep_n";
  const { createdMs } = tag;
  if (olderThanMs !== undefined && !(createdMs !== undefined && createdMs < nowMs - olderThanMs))
    return "older_than";
  return tag.isProtected ? "protected" : "delete";
}

function cutList(
  names: readonly string[],
  keepN: number,
  { maxListSize, continueAfter }: ListCut,
): { within: string[]; beyond: string[]; continueAfter: string | undefined } {
  const size = maxListSize + keepN;
  if (maxListSize === 0 || names.length <= size) {
    return { within: [...names], beyond: [], continueAfter: undefined };
  }
  const found =
    continueAfter === undefined ? 0 : names.findIndex((name) => compareText(name, continueAfter) > 0);
  const start = Math.max(0, found);
  // Behind the end it begins anew: a part that is shorter than keep_n would delete nothing.
  const inTurn = [...names.slice(start), ...names.slice(0, start)];
  const reachesEnd = names.length - start <= size;
  return {
    within: inTurn.slice(0, size).sort(compareText),
    beyond: inTurn.slice(size),
    continueAfter: reachesEnd ? undefined : inTurn[size - 1],
  };
}
