/** What stands behind the options in the help of `usage`. */
export const USAGE_HELP = `
A repository belongs to the project that --projects or --gitlab names; without them the first two segments of its name are
taken for the project, and such rows are marked as a guess (~). What two projects share counts in the size of both, so that
sizes add up to more than the total, which is the sum of the blob files' sizes to the byte. Where something is damaged or cannot
be read, it counts as kept, as garbage-collect keeps it.

Examples:
  $ registry-ctl usage config.yml                                          every project, the largest first
  $ registry-ctl usage --by repository --sort untagged --top 20 config.yml   where garbage-collect -m frees most
  $ registry-ctl usage --over 10GB --quiet config.yml                      for cron: exit 4 if a project is larger
  $ registry-ctl usage --projects projects.txt --format csv config.yml     with the projects that a file lists
  $ registry-ctl usage --format gitlab-csv config.yml                      what GitLab's console snippet prints
  $ registry-ctl usage --by layer --top 10 config.yml                      the largest layers

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something could not be read or is damaged, 4 something is larger than
--over, 10 configuration missing or invalid, 11 store unreachable or denied, 12 the registry keeps its metadata in a
database, 129/130/143 stopped by a signal.`;
