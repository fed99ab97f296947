import type { GitLabPolicy } from "./gitlab-project.ts";

/** What may be changed of a policy; what is left out stays as it is. */
export interface PolicyChange {
  enabled?: boolean;
  cadence?: string;
  /** Null: the newest are no longer kept for being new. */
  keepN?: number | null;
  /** Null: age no longer matters. */
  olderThan?: string | null;
  /** Empty: no tag is deleted. */
  nameRegexDelete?: string | null;
  /** Empty: no tag is kept for its name. */
  nameRegexKeep?: string | null;
}

/** One value that a change gives another of. */
export interface PolicyDifference {
  /** As GitLab's documentation writes it: `keep_n`. */
  name: string;
  /** Undefined: there is no policy; null or empty: not set. */
  before: string | number | boolean | null | undefined;
  after: string | number | boolean | null;
}

/** What a policy's values are called; in the order of GitLab's form. */
const NAMES = {
  enabled: "enabled",
  cadence: "cadence",
  keepN: "keep_n",
  nameRegexKeep: "name_regex_keep",
  olderThan: "older_than",
  nameRegexDelete: "name_regex_delete",
} as const satisfies Record<keyof PolicyChange, string>;

/** @returns what a change makes different in a policy, if there is one; empty if nothing */
export function differencesOf(policy: GitLabPolicy | undefined, change: PolicyChange): PolicyDifference[] {
  const keys: (keyof PolicyChange)[] = [
    ...(["enabled", "cadence", "keepN", "nameRegexKeep", "olderThan", "nameRegexDelete"] as const),
  ];
  return keys.flatMap((key) => {
    const after = change[key];
    if (after === undefined) return [];
    const before = policy?.[key];
    // An empty pattern and none are the same.
    if (policy !== undefined && (before || null) === (after || null)) return [];
    return [{ name: NAMES[key], before, after }];
  });
}

/**
 * @returns the body of the request: both names of the same pattern, since GitLab takes `name_regex`, and its documentation says
 *   `name_regex_delete`
 * @see https://docs.gitlab.com/api/projects/#update-a-project
 */
export function attributesOf(change: PolicyChange): Record<string, unknown> {
  const { enabled, cadence, keepN, olderThan, nameRegexDelete, nameRegexKeep } = change;
  return {
    ...{ enabled, cadence, keep_n: keepN, older_than: olderThan },
    ...{ name_regex: nameRegexDelete, name_regex_delete: nameRegexDelete, name_regex_keep: nameRegexKeep },
  };
}
