import { compilePattern, type Pattern } from "../../lib/re2-pattern.ts";
import { type CleanupPolicy, policySpanMs } from "./policy.ts";

/** A policy made ready to be applied to tags. */
export interface CleanupRules {
  /** `undefined` matches nothing: GitLab puts its anchors around the empty pattern, and no tag is empty. */
  deletes: Pattern | undefined;
  keeps: Pattern | undefined;
  keepN: number | undefined;
  olderThanMs: number | undefined;
}

/**
 * Compiles what a policy says.
 * @throws {InvalidPatternError} if a pattern is none of RE2's
 * @throws {RangeError} if `olderThan` is no span, which whoever has read the policy is to have said
 */
export function compileRules(policy: CleanupPolicy): CleanupRules {
  const { nameRegexDelete, nameRegexKeep, keepN, olderThan } = policy;
  return {
    deletes: compileIfSet(nameRegexDelete),
    keeps: compileIfSet(nameRegexKeep),
    keepN,
    olderThanMs: olderThan === undefined ? undefined : spanOf(olderThan),
  };
}

function compileIfSet(text: string | undefined): Pattern | undefined {
  return text === undefined || text === "" ? undefined : compilePattern(text, { anchored: "gitlab" });
}

function spanOf(text: string): number {
  const spanMs = policySpanMs(text);
  if (spanMs === undefined) throw new RangeError(`no span of time: ${text}`);
  return spanMs;
}
