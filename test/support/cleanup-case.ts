import { compileRules } from "../../src/operations/cleanup/cleanup-rules.ts";
import { type CleanupStep, decideByDate, decideByName } from "../../src/operations/cleanup/decide-tags.ts";
import type { CleanupPolicy } from "../../src/operations/cleanup/policy.ts";

/** When a tag was created: a date, so many days before the run, `"none"` without a date, `"no manifest"`. */
export type CaseTag = number | string;

/** A repository and a policy. */
export interface CleanupCase {
  tags: Readonly<Record<string, CaseTag>>;
  policy: Partial<CleanupPolicy>;
  maxListSize?: number;
  continueAfter?: string;
  protectedTags?: readonly string[];
  now?: string;
}

/** What became of it. */
export interface DecidedCase {
  /** By name. */
  steps: ReadonlyMap<string, CleanupStep>;
  /** Names in byte order. */
  deleted: string[];
  continueAfter: string | undefined;
}

/** The moment of the runs, unless a case has its own. */
export const CASE_NOW = "2026-03-31T12:00:00Z";

const DAY_MS = 86_400_000;
const NOTHING_SET: CleanupPolicy = {
  enabled: true,
  cadence: "1d",
  keepN: undefined,
  olderThan: undefined,
  nameRegexDelete: undefined,
  nameRegexKeep: undefined,
};

/** Takes all steps for a case. */
export function decideCase(given: CleanupCase): DecidedCase {
  const { tags, policy, maxListSize = 0, continueAfter, protectedTags = [], now = CASE_NOW } = given;
  const nowMs = Date.parse(now);
  const rules = compileRules({ ...NOTHING_SET, ...policy });
  const byName = decideByName(Object.keys(tags), rules, { maxListSize, continueAfter });
  const candidates = byName.candidates.map((name) => ({
    name,
    hasManifest: tags[name] !== "no manifest",
    createdMs: createdMs(tags[name], nowMs),
    isProtected: protectedTags.includes(name),
  }));
  const steps = new Map([...byName.kept, ...decideByDate(candidates, rules, nowMs)]);
  const deleted = [...steps].filter(([, step]) => step === "delete").map(([name]) => name);
  return { steps, deleted: deleted.sort(), continueAfter: byName.continueAfter };
}

/** @returns milliseconds since 1970; undefined for a tag without a date */
export function createdMs(tag: CaseTag | undefined, nowMs: number): number | undefined {
  if (typeof tag === "number") return nowMs - tag * DAY_MS;
  return tag === undefined || tag === "none" || tag === "no manifest" ? undefined : Date.parse(tag);
}
