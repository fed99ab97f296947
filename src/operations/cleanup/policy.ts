/**
 * How often a policy may run, as GitLab writes it.
 * @see https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/models/container_expiration_policy.rb (`cadence_options`)
 */
export const CADENCES = ["1d", "7d", "14d", "1month", "3month"] as const;

/** See {@link CADENCES}. */
export type Cadence = (typeof CADENCES)[number];

/** How often a policy runs that does not say so: what GitLab gives to a new project. */
export const DEFAULT_CADENCE: Cadence = "1d";

/** Which tags of a project's repositories are to go: GitLab's cleanup policy. What is `undefined` is not set, and its step is left out. */
export interface CleanupPolicy {
  enabled: boolean;
  cadence: Cadence;
  /** So many of the newest tags stay, of those that the patterns leave. */
  keepN: number | undefined;
  /** Tags created within this time stay: `90d`, see `policySpanMs`. */
  olderThan: string | undefined;
  /** Only tags that this RE2 pattern matches go, between GitLab's anchors; not set or empty, none does. */
  nameRegexDelete: string | undefined;
  /** Tags that this RE2 pattern matches stay. */
  nameRegexKeep: string | undefined;
}

/** A policy with what it is for. */
export interface ProjectPolicy {
  /**
   * Path of a project, whose repositories are the one of this name and all below; `*` stands for any characters of one component but `/`.
   */
  project: string;
  policy: CleanupPolicy;
  /** Where it is written, for people: `policies.yml:3:1`, or the address of a GitLab. */
  origin: string;
}

/** What a run may do at the most; 0 is no limit. */
export interface CleanupLimits {
  /** So many repositories are worked on at a time; at least 1. */
  workerCapacity: number;
  /** Seconds that the deletions of one repository may take in a run. */
  deleteTagsServiceTimeout: number;
  /** So many tags of a repository, and keep_n more, are looked at in a run. */
  maxListSize: number;
}

/** What counts where nothing is said. GitLab has 250 seconds and 200 tags, since it does this beside everything else. */
export const DEFAULT_LIMITS: CleanupLimits = {
  workerCapacity: 4,
  deleteTagsServiceTimeout: 0,
  maxListSize: 0,
};

/** Policies from one place. */
export interface PolicySet {
  policies: ProjectPolicy[];
  /** Only those that are set there. */
  limits: Partial<CleanupLimits>;
  /** What may surprise, for people, each with its place. */
  warnings: string[];
}

const DAY_MS = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: DAY_MS, month: 30 * DAY_MS };

/**
 * How long a span of a policy is: `7d`, `12h`, `1month`. Days have 24 hours and months 30 days, whatever the calendar says: GitLab reads
 * spans with ChronicDuration, whose months are 30 days, and turns them into seconds.
 *
 * @returns milliseconds, or undefined if `text` is no such span
 * @see https://gitlab.com/gitlab-org/ruby/gems/gitlab-chronic-duration (`days_per_month`)
 */
export function policySpanMs(text: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d{1,5})(h|d|month)$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}

/** @returns when a policy may run next after a run, in milliseconds since 1970 */
export function nextRunMs(cadence: Cadence, ranMs: number): number {
  return ranMs + (policySpanMs(cadence) ?? 0);
}
