/** Behind the options of `backup`. */
export const HELP = `
A store of backups holds the snapshots of one registry and nothing else. Keep it on another disk or in another bucket.

Examples:
  $ registry-ctl backup create --store /mnt/backups config.yml
  $ registry-ctl backup list --store /mnt/backups
  $ registry-ctl backup verify --store /mnt/backups --checksum=5%
  $ registry-ctl backup restore --store /mnt/backups --dry-run -c config.yml
  $ registry-ctl backup prune --store /mnt/backups --keep-last 7 --keep-within 30d --dry-run`;

/** Behind the options of `backup create`. */
export const CREATE_HELP = `
In a snapshot is what can be pulled by tag or digest, with what is attached to it; not unfinished uploads, nor layers that no
manifest needs. All bytes are compared with their digests: what is damaged is named and left out, and the rest is backed up.

Examples:
  $ registry-ctl backup create --store /mnt/backups config.yml
  $ registry-ctl backup create --store backup-bucket.yml --max-bandwidth 50MiB/s config.yml
  $ registry-ctl backup create --store /mnt/backups --metadata-only config.yml

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something could not be had (the snapshot lists it), 4 blobs of the registry are damaged
(likewise), 10 configuration missing or invalid, 11 a store unreachable, denied or full, 12 another backup is at work, the store holds
something else, or the registry is empty or keeps its metadata in a database, 129/130/143 stopped by a signal.`;

/** Behind the options of `backup list`. */
export const LIST_HELP = `
Examples:
  $ registry-ctl backup list --store /mnt/backups
  $ registry-ctl backup list --store backup-bucket.yml --repositories --json

Exit codes: 0 done, 1 failed, 2 wrong usage, 10 --store cannot be read, 11 store unreachable or denied, 12 no store of backups,
129/130/143 stopped by a signal.`;

/** Behind the options of `backup verify`. */
export const VERIFY_HELP = `
Examples:
  $ registry-ctl backup verify --store /mnt/backups
  $ registry-ctl backup verify --store /mnt/backups --checksum       read every byte
  $ registry-ctl backup verify --store /mnt/backups --checksum=5% 20261121T204500Z

Exit codes: 0 all is there, 1 failed, 2 wrong usage, 3 something could not be read, 4 something is missing or damaged,
10 --store cannot be read, 11 store unreachable or denied, 12 no store of backups, 129/130/143 stopped by a signal.`;

/** Behind the options of `backup restore`. */
export const RESTORE_HELP = `
Nothing is removed, so that what was pushed since the snapshot stays. A snapshot of metadata alone is restored over the blobs that
the registry has, or that other snapshots have. The same command run again goes on where it was. Run by root it becomes the user
that the registry's folder belongs to, who must be able to read the backups.

Examples:
  $ registry-ctl backup restore --store /mnt/backups --dry-run -c config.yml
  $ registry-ctl backup restore --store /mnt/backups -c config.yml                            the latest
  $ registry-ctl backup restore --store /mnt/backups --at 2026-11-21T16:30 -c config.yml
  $ registry-ctl backup restore --store /mnt/backups --repository team/app --keep-existing -c config.yml
  $ registry-ctl backup restore --store /mnt/backups --to /srv/new 20261121T204500Z-1a2b3c4d

Exit codes: 0 done, 1 failed, or the snapshot is damaged, 2 wrong usage, or an answer was needed and there was no terminal, 3 something
lacks blobs and was not restored, 4 blobs of the backup are damaged, 10 configuration missing or invalid, 11 a store unreachable, denied or
full, 12 a store is locked, or the registry could not be made read-only, 129/130/143 stopped by a signal.`;

/** Behind the options of `backup prune`. */
export const PRUNE_HELP = `
Examples:
  $ registry-ctl backup prune --store /mnt/backups --keep-last 7 --dry-run
  $ registry-ctl backup prune --store /mnt/backups --keep-last 7 --keep-within 30d --yes

Exit codes: 0 done, also if nothing is to go, 1 failed, or a snapshot that stays is damaged (nothing was removed), 2 wrong usage, or an
answer was needed and there was no terminal, 3 some blobs could not be removed, 10 --store cannot be read, 11 store unreachable or denied,
12 a backup is being taken or restored, or the store holds something else, 129/130/143 stopped by a signal.`;
