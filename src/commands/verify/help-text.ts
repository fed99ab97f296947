/** What stands below the options of `verify`. */
export const VERIFY_HELP = `
Manifests are always hashed; blobs with --checksum only. A share such as --checksum=5% takes other blobs each time, and with
--rotate those whose turn it is: the report says since when every blob has been hashed.
A layer link that leads to nothing is wrong even where no manifest needs it, as a push may take its blob for stored;
the Go registry's garbage collection leaves such links, garbage-collect and --repair remove them. What only deserves notice
(tag-history links to deleted manifests, tags that a delete or a killed push left without a link, unknown files, a
store with nothing in it) does not count as wrong, except with --strict.
With a metadata database the links in storage are not all there is: then the best outcome is exit code 3, and --repair refuses.

--against compares names, sizes, the contents of links and, with --checksum, the bytes of blobs on both sides; uploads are left
out. Then it proves that the other store, the target, is complete. What the source changes meanwhile is no difference.

--registry looks at what clients see: every tag of the repositories named, or of all that the registry lists; manifests are fetched and
hashed, and of each layer and config it is asked whether it is there, and how large. What no tag needs is not seen.

--repair looks, shows its plan, asks (without a terminal it needs --yes), repairs, and looks again. It fetches what --from has,
and checks digest and size before anything is replaced; it writes damaged links as their paths say, restores links that
manifests and tags need, and removes links that lead to nothing and that nothing needs. A tag that cannot be read is never
guessed: it is told with its history. A registry-ctl server is made read-only for the time; any other registry must be stopped or
read-only, or is made so with --mode and --service. Ctrl-C stops it between two steps; another run does the rest.

Examples:
  $ registry-ctl verify config.yml                              can everything be pulled?
  $ registry-ctl verify --checksum=5% --rotate --json config.yml   for a nightly job
  $ registry-ctl verify --strict config.yml                     is there anything odd at all?
  $ registry-ctl verify --repository group/project config.yml   one project, with what it needs
  $ registry-ctl verify --against s3.yml config.yml             does the bucket have everything?
  $ registry-ctl verify --registry https://registry.example group/app    over HTTP
  $ registry-ctl verify --repair --dry-run config.yml           see what would be repaired
  $ registry-ctl verify --repair --from backup.yml config.yml   with blobs of another store
  $ registry-ctl verify --repair --from https://mirror.example --auth-file auth.json --yes config.yml

Exit codes: 0 everything can be pulled (--against: and nothing differs), or a dry run, 1 no such repository, 2 wrong usage, 3
nothing is wrong but something could not be looked at, or a step of a repair failed, 4 something is wrong, differs, or is left
wrong, 10 configuration missing or invalid, 11 store unreachable or denied, 12 --repair: the registry takes writes, is locked or
has a metadata database, 129/130/143 stopped by a signal.`;
