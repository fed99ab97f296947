/** Behind the options of `migrate`. */
export const HELP = `
Without --cutover pushes are never blocked, and the registry stays where it is: run it again any day for what has changed
since. With --cutover (or "migrate finish" later) the registry is read-only for the last differences only. Whatever fails
before the change of the configuration leaves it on the old store, and writable. The old configuration is kept beside the
new one; "migrate rollback" goes back with all that was pushed since.

Secrets are never taken from the command line: give them in --target-config, in files (--access-key-file,
--secret-key-file), in REGISTRY_CTL_TARGET_ACCESSKEY and REGISTRY_CTL_TARGET_SECRETKEY, or when they are asked for.

Files named ./finish, ./rollback, ./status and ./forget are configurations; the bare words are commands.

Examples:
  $ registry-ctl migrate --to s3 --dry-run config.yml                        what is there to copy?
  $ registry-ctl migrate --target-config bucket.yml --dry-run config.yml     and how long does it take?
  $ registry-ctl migrate --target-config bucket.yml config.yml               copy, the registry serves
  $ registry-ctl migrate --target-config bucket.yml --cutover config.yml     copy, and use it
  $ registry-ctl migrate --to filesystem --rootdirectory /srv/new config.yml
  $ registry-ctl migrate rollback config.yml                                 back again

Exit codes: 0 done, 1 failed, 2 wrong usage, or an answer was needed and there was no terminal, 3 something could not be
copied, 4 the stores differ, or blobs of the source are damaged, 10 configuration missing or invalid, 11 a store
unreachable or denied, 12 the target is not what it should be, or the registry could not be made read-only,
129/130/143 stopped by a signal.`;

/** Behind the options of `migrate finish`. */
export const FINISH_HELP = `
Examples:
  $ registry-ctl migrate status config.yml      how far is it?
  $ registry-ctl migrate finish config.yml
  $ registry-ctl migrate finish --service systemd:docker-registry /etc/docker/registry/config.yml

Exit codes: as of registry-ctl migrate; 12 also if no move was begun.`;

/** Behind the options of `migrate rollback`. */
export const ROLLBACK_HELP = `
Where the old store cannot be reached, or is not the one that the registry came from, it refuses and lists the tags that
would be lost; --discard-new-pushes goes back without them, and asks for the word "discard" (without a terminal: --yes).

Examples:
  $ registry-ctl migrate rollback --dry-run config.yml
  $ registry-ctl migrate rollback config.yml
  $ registry-ctl migrate rollback --discard-new-pushes --yes config.yml

Exit codes: as of registry-ctl migrate; 12 also if there is nothing to go back from.`;

/** Behind the options of `migrate status`. */
export const STATUS_HELP = `
Examples:
  $ registry-ctl migrate status config.yml
  $ registry-ctl migrate status --json config.yml | jq '.migrations[0].phase'

Exit codes: 0 done (also if there is none), 2 wrong usage, 10 configuration missing or invalid.`;

/** Behind the options of `migrate forget`. */
export const FORGET_HELP = `
The configuration from before a move stays beside the new one; remove it by hand when it is not needed any more.

Examples:
  $ registry-ctl migrate status config.yml
  $ registry-ctl migrate forget --yes config.yml

Exit codes: 0 done (also if there is none), 2 wrong usage, or an answer was needed and there was no terminal, 10
configuration missing or invalid, 12 a command works on a move, or a change of the store was left half done.`;
