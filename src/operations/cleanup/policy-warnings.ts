import { hasOpenAlternation } from "../../lib/re2-pattern.ts";

/** What {@link warningsOf} looks at. `null` or empty is not set; what is left out is not known, and nothing is said of it. */
export interface WarnedPolicy {
  enabled?: boolean;
  keepN?: number | null;
  olderThan?: string | null;
  nameRegexDelete?: string | null;
  nameRegexKeep?: string | null;
}

/** Something that may surprise about a policy, for people. */
export interface PolicyWarning {
  /** The pattern with whose name `text` begins; left out where it is about the policy as a whole. */
  key?: "name_regex_delete" | "name_regex_keep";
  text: string;
}

/** @returns what may surprise about a policy that is enabled, wherever it is written */
export function warningsOf(policy: WarnedPolicy): PolicyWarning[] {
  if (!policy.enabled) return [];
  const { keepN, olderThan, nameRegexDelete, nameRegexKeep } = policy;
  const warnings: PolicyWarning[] = [];
  if (nameRegexDelete === null || nameRegexDelete === "") {
    warnings.push({ text: "without name_regex_delete no tag is deleted; .* means every name" });
  }
  for (const [key, pattern] of [
    ["name_regex_delete", nameRegexDelete],
    ["name_regex_keep", nameRegexKeep],
  ] as const) {
    if (pattern && hasOpenAlternation(pattern))
      warnings.push({ key, text: `${key} ${openAlternation(pattern)}` });
  }
  // Keeping the newest none is as good as keeping none for being new.
  const countsNone = keepN === null || keepN === 0;
  if (nameRegexDelete && countsNone && olderThan === null) {
    warnings.push({
      text: "without keep_n and older_than every tag that the patterns leave is deleted, the newest too, save latest",
    });
  }
  return warnings;
}

function openAlternation(pattern: string): string {
  return `${JSON.stringify(pattern)} has | outside a group: as in GitLab, only the first branch is bound to the beginning of a name and only the last to its end, so that others match as well; to match whole names write (?:${pattern})`;
}
