const UUID_TEXT = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const UUID = new RegExp(`^${UUID_TEXT}$`, "i");

/**
 * What the Go registry and we put into the folder of an upload; newer Go registries write each file under another name
 * first. Tails are what is left over of parts on object stores.
 * @see https://github.com/distribution/distribution/blob/v3.0.0/registry/storage/paths.go
 */
const OWN_FILE = new RegExp(
  `^(?:data|startedat|hashstates/[a-z0-9+._-]+/\\d+|tail/\\d+)(?:\\.${UUID_TEXT}\\.tmp)?$`,
  "i",
);

/** @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A start time has 20 to 35 characters; a file that is larger than this holds none. */
export const MAX_STARTED_AT_BYTES = 256;

/** Tells whether a folder's name is that of an upload. */
export function isUploadId(name: string): boolean {
  return UUID.test(name);
}

/** @param below - path of a file within the folder of an upload */
export function isUploadFile(below: string): boolean {
  return OWN_FILE.test(below);
}

/** @returns milliseconds since 1970; undefined if it is no time */
export function parseStartedAt(content: Uint8Array): number | undefined {
  const text = Buffer.from(content).toString("latin1").trim();
  const time = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
