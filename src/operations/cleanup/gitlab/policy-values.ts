/*
 * What GitLab takes for a policy, and nothing else.
 * See https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/models/container_expiration_policy.rb
 */

/** Of `keep_n`. */
export const GITLAB_KEEP_N = [1, 5, 10, 25, 50, 100] as const;

/** Of `older_than`; `60d` since 14.4. */
export const GITLAB_OLDER_THAN = ["7d", "14d", "30d", "60d", "90d"] as const;
