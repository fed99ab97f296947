/*
 * What lies in a store of backups: blobs under the names that they have in a registry, a file for each snapshot, and a
 * file that says whose backups they are.
 */

/** Below it is all that a registry does not have. */
export const BACKUP_ROOT = "/backup";
/** Below it is a file for each snapshot. */
export const SNAPSHOTS_ROOT = `${BACKUP_ROOT}/snapshots`;
/** Says of which registry the backups are. */
export const SOURCE_MARK_PATH = `${BACKUP_ROOT}/source.json`;

const ENDING = ".jsonl.gz";
const ID = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-[0-9a-f]{8}$/;

/** `20261121T204500Z-1a2b3c4d`: the time (UTC), and what tells two of one second apart. */
export type SnapshotId = string & { readonly __snapshotId: unique symbol };

/** @param random - eight lower-case hexadecimal digits */
export function newSnapshotId(nowMs: number, random: string): SnapshotId {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${time}-${random}` as SnapshotId;
}

/** Tells whether a text has the form of a snapshot's name. */
export function isSnapshotId(text: string): text is SnapshotId {
  return ID.test(text) && !Number.isNaN(snapshotTimeMs(text));
}

/** @returns when a snapshot was begun, in milliseconds since 1970; NaN if that is no time */
export function snapshotTimeMs(id: string): number {
  const [, year, month, day, hour, minute, second] = ID.exec(id) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** The file of a snapshot. */
export function snapshotPath(id: SnapshotId): string {
  return `${SNAPSHOTS_ROOT}/${id}${ENDING}`;
}

/** @returns the snapshot whose file this is; undefined for any other file */
export function snapshotAt(path: string): SnapshotId | undefined {
  if (!path.startsWith(`${SNAPSHOTS_ROOT}/`) || !path.endsWith(ENDING)) return undefined;
  const id = path.slice(SNAPSHOTS_ROOT.length + 1, -ENDING.length);
  return isSnapshotId(id) ? id : undefined;
}
