import type { PolicyChange } from "../../../client/gitlab/policy-change.ts";
import { UsageError } from "../../../errors.ts";
import { compilePattern, hasOpenAlternation } from "../../../lib/re2-pattern.ts";
import { openAlternation } from "../policy-reader.ts";

/** Characters of a pattern; the column of the table takes no more. */
const MAX_PATTERN = 255;

/**
 * @param option - for the message: `--name-regex-delete`
 * @throws {UsageError} if GitLab would not take the pattern
 */
export function checkGitLabPattern(pattern: string, option: string): void {
  if (pattern.length > MAX_PATTERN) {
    throw new UsageError(
      `${option} has ${pattern.length} characters, and GitLab takes at most ${MAX_PATTERN}`,
    );
  }
  compilePattern(pattern, { anchored: "gitlab" });
}

/** @returns what may surprise about a policy that is enabled, as far as its values are known; for people */
export function warningsOf(policy: PolicyChange): string[] {
  if (!policy.enabled) return [];
  const { keepN, olderThan, nameRegexDelete, nameRegexKeep } = policy;
  const warnings: string[] = [];
  if (nameRegexDelete === null || nameRegexDelete === "") {
    warnings.push("without name_regex_delete no tag is deleted; .* means every name");
  }
  for (const [name, pattern] of [
    ["name_regex_delete", nameRegexDelete],
    ["name_regex_keep", nameRegexKeep],
  ] as const) {
    if (pattern && hasOpenAlternation(pattern)) {
      warnings.push(`${name} ${openAlternation(pattern)}`);
    }
  }
  if (nameRegexDelete && keepN === null && olderThan === null) {
    warnings.push(
      "without keep_n and older_than every tag that matches is deleted, the newest too, save latest",
    );
  }
  return warnings;
}
