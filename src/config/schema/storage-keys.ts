import { duration, flag, integer, section, text, word } from "./key-builders.ts";
import { AZURE_KEYS, AZURE_V2_KEYS } from "./storage-azure-keys.ts";
import { GCS_KEYS } from "./storage-gcs-keys.ts";
import { S3_KEYS, S3_V2_KEYS } from "./storage-s3-keys.ts";

/** How few operations at once the Go registry's filesystem driver allows. */
export const MIN_FILESYSTEM_THREADS = 25;

const WEEK_MS = 168 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

const MAINTENANCE_KEYS = section("maintenance", {
  uploadpurging: section(
    "deletion of uploads that were never finished",
    {
      enabled: flag("purge uploads", { status: "implemented", default: true }),
      age: duration("age from which an upload is purged", { status: "implemented", defaultMs: WEEK_MS }),
      interval: duration("time between purges", { status: "implemented", defaultMs: DAY_MS }),
      dryrun: flag("only tell what would be purged", { status: "implemented", default: false }),
    },
    { open: true },
  ),
  readonly: section(
    "read-only mode",
    { enabled: flag("refuse every write with 405", { status: "implemented", default: false }) },
    { open: true },
  ),
});

/** `storage`. */
export const STORAGE_KEYS = section(
  "where the registry stores, exactly one driver, and how",
  {
    filesystem: section(
      "files under a folder",
      {
        rootdirectory: text("folder of the store", {
          status: "implemented",
          default: "/var/lib/registry",
        }),
        maxthreads: integer("operations at once, at least 25", {
          status: "implemented",
          default: 100,
        }),
      },
      { optional: true, open: true, looseStrings: true },
    ),
    inmemory: section("memory, lost when the server ends", {}, { optional: true, open: true }),
    s3: S3_KEYS,
    s3_v2: S3_V2_KEYS,
    azure: AZURE_KEYS,
    azure_v2: AZURE_V2_KEYS,
    gcs: GCS_KEYS,
    tag: section(
      "tags",
      { concurrencylimit: integer("tag files read at once", { dialect: "distribution", status: "noop" }) },
      { dialect: "distribution", open: true },
    ),
    delete: section(
      "deletion over the API",
      { enabled: flag("allow it", { status: "implemented", default: false, quotedMeansFalse: true }) },
      { open: true },
    ),
    redirect: section(
      "redirects of downloads to the object store; other stores have none",
      {
        disable: flag("let all bytes pass through the registry", { status: "implemented", default: false }),
        expirydelay: duration("how long such an address is valid, seven days at the most", {
          dialect: "gitlab",
          status: "implemented",
          defaultMs: 20 * 60_000,
        }),
      },
      { open: true },
    ),
    cache: section(
      "cache of blob descriptors",
      {
        blobdescriptor: word("where it is kept", ["inmemory", "redis"], {
          // A cache in memory is no more than speed: nobody can notice that ours is another one.
          inert: (node) => node.kind === "scalar" && node.text !== "redis",
        }),
        blobdescriptorsize: integer("entries of the cache in memory", {
          status: "noop",
          default: 10_000,
        }),
        layerinfo: word("old name of blobdescriptor", ["inmemory", "redis"], {
          inert: (node) => node.kind === "scalar" && node.text !== "redis",
        }),
      },
      { open: true },
    ),
    maintenance: { ...MAINTENANCE_KEYS, open: true },
  },
  { open: true, bareWord: true, required: true },
);

/** The keys under `storage` that are no drivers. */
export const NOT_DRIVERS: ReadonlySet<string> = new Set([
  "tag",
  "delete",
  "redirect",
  "cache",
  "maintenance",
]);

/** The drivers that exist in this release. */
export const EXISTING_DRIVERS: ReadonlySet<string> = new Set(["filesystem", "inmemory", "s3", "s3_v2"]);
