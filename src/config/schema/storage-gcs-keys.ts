import { flag, integer, map, section, text } from "./key-builders.ts";

/** Chunks of resumable uploads are multiples of this. @see https://cloud.google.com/storage/docs/performing-resumable-uploads */
const CHUNK_UNIT_BYTES = 256 * 1024;

/** `storage.gcs`, of both dialects. */
export const GCS_KEYS = section(
  "a Google Cloud Storage bucket",
  {
    bucket: text("bucket", { required: true }),
    keyfile: text("file with the service account's key"),
    credentials: map("the service account's key itself", { secret: true }),
    rootdirectory: text("folder in the bucket", { default: "" }),
    chunksize: integer("bytes of an upload's chunk, a multiple of 256 KiB", {
      default: 5 * 1024 * 1024,
      min: CHUNK_UNIT_BYTES,
    }),
    useragent: text("User-Agent of requests", { dialect: "gitlab" }),
    debug_log: flag("log requests", { dialect: "gitlab", default: false }),
    parallelwalk: flag("list in parallel", { dialect: "gitlab", default: false }),
  },
  { optional: true, open: true, looseStrings: true },
);
