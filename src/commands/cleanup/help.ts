/** Behind the help of `cleanup`. */
export const CLEANUP_HELP = `
A file of policies, with GitLab's keys:

  policies:
    group/project:                  # this project's repositories
      keep_n: 10                    # the newest ten stay
      older_than: 90d               # what is younger stays
      name_regex_delete: '.*'       # only what this matches goes; nothing without it
      name_regex_keep: '(?:main|v.+)'
    "group/*":                      # those of every other project of the group
      enabled: false
    "*":                            # all others
      cadence: 7d                   # 1d, 7d, 14d, 1month or 3month, for --due
      keep_n: 25
      name_regex_delete: '.*'
  limits:                           # as in GitLab; 0 is no limit
    worker_capacity: 4
    delete_tags_service_timeout: 250
    max_list_size: 200

The most specific path counts. In each repository, as in GitLab: of all tags, latest stays; what name_regex_delete does not
match stays; what name_regex_keep matches stays; tags without a manifest stay; of the others the newest keep_n stay, and
those that are not older than older_than; the rest goes. The date is that of the image's config: where there is none, as in
an index of several platforms, the tag counts as new. Patterns are RE2's and match whole names; but GitLab puts no group
around them, so that main|prod also matches main-2: write (?:main|prod).

Examples:
  $ registry-ctl cleanup plan --policies policies.yml config.yml            what would go
  $ registry-ctl cleanup explain group/project:v1 --policies policies.yml config.yml   and why
  $ registry-ctl cleanup run --policies policies.yml config.yml             delete it

The help of each command has its exit codes.`;

/** Behind the help of `cleanup run`. */
export const RUN_HELP = `
With --quiet nothing is printed unless something fails. What was deleted is in the history, with its digest: see registry-ctl
history and registry-ctl tags restore. Deletions that fail are tried again, and in the end remembered: see registry-ctl
deletions. When max_list_size has cut a list, the next run goes on behind the last name, in byte order, and --due does not
wait for it. A policy is due an hour before its cadence is over, so that a cron line at the same minute is never too early.
With --max-delete everything is looked at before anything is deleted. Ctrl-C stops it between two batches.

Examples:
  $ registry-ctl cleanup run --dry-run --policies policies.yml config.yml    see what would go
  $ registry-ctl cleanup run --quiet --due --max-delete 30% --policies /etc/registry-ctl/policies.yml config.yml   for cron
  $ registry-ctl cleanup run --project group/project --policies policies.yml config.yml     one project, now
  $ registry-ctl cleanup run --gitlab https://gitlab.example.com --due config.yml           GitLab's own policies
  $ registry-ctl cleanup run --registry https://registry.example.com --policies policies.yml   over HTTP

Exit codes: 0 done, also if nothing was due, 1 failed, 2 wrong usage, 3 some tags could not be deleted, or a repository
not be read, 10 configuration or policies missing or invalid, 11 store unreachable or denied, 12 another run works on it,
more than --max-delete would go, or a metadata database knows what is tagged, 129/130/143 stopped by a signal.`;

/** Behind the help of `cleanup plan`. */
export const PLAN_HELP = `
A plan with --json has each tag with its digest and date, and for each repository how many tags each step keeps.

Examples:
  $ registry-ctl cleanup plan --policies policies.yml config.yml
  $ registry-ctl cleanup plan --policies policies.yml --as-of 2026-12-24 config.yml   what would go at Christmas?
  $ registry-ctl cleanup plan --policies policies.yml --json config.yml | jq '.repositories[] | {repository, kept}'

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a repository could not be read, 10 configuration or policies missing or
invalid, 11 store unreachable or denied, 12 a metadata database knows what is tagged, 129/130/143 stopped by a signal.`;

/** Behind the help of `cleanup explain`. */
export const EXPLAIN_HELP = `
Examples:
  $ registry-ctl cleanup explain group/project:v1 --policies policies.yml config.yml
  $ registry-ctl cleanup explain group/project:v1 --policies policies.yml --as-of 2026-12-24 config.yml
  $ registry-ctl cleanup explain group/project/image:main-2 --gitlab https://gitlab.example.com config.yml

Exit codes: 0 done, whatever the answer, 1 there is no such tag, or it cannot be read, 2 wrong usage, 10 configuration or
policies missing or invalid, 11 store unreachable or denied, 12 a metadata database knows what is tagged, 129/130/143
stopped by a signal.`;
