/** Bytes `first` to `last`, both included. */
export interface ByteRange {
  first: number;
  last: number;
}

/** What a Range header comes to: undefined means that the whole is to be sent. */
export type RangeResult = ByteRange | "unsatisfiable" | undefined;

const SINGLE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/;

/**
 * Reads the Range header of a download. Headers that are malformed, of another unit or for several ranges are
 * ignored, as RFC 9110 allows.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseRange(header: string | undefined, sizeBytes: number): RangeResult {
  const match = header === undefined ? null : SINGLE.exec(header);
  if (!match) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "" && to === "") return undefined;
  if (from === "") {
    const suffix = Number(to);
    if (suffix === 0 || sizeBytes === 0) return "unsatisfiable";
    return { first: Math.max(0, sizeBytes - suffix), last: sizeBytes - 1 };
  }
  const first = Number(from);
  const last = to === "" ? Number.POSITIVE_INFINITY : Number(to);
  if (last < first) return undefined;
  if (first >= sizeBytes) return "unsatisfiable";
  return { first, last: Math.min(last, sizeBytes - 1) };
}

/**
 * Tells whether an If-Range header lets a range be sent: it must name exactly this version. Dates never match,
 * because blobs have no time of their own.
 */
export function ifRangeHolds(header: string | undefined, etag: string): boolean {
  return header === undefined || header.trim() === etag;
}

const CONTENT_RANGE = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/;

/**
 * Reads the Content-Range of an upload's chunk: `first-last`, by the spec without a unit.
 *
 * @returns undefined if it is malformed
 */
export function parseContentRange(header: string): ByteRange | undefined {
  const match = CONTENT_RANGE.exec(header.trim());
  if (!match) return undefined;
  const range = { first: Number(match[1]), last: Number(match[2]) };
  return Number.isSafeInteger(range.last) && range.first <= range.last ? range : undefined;
}

/** @returns the Range header that tells how much of an upload is stored; `0-0` also stands for nothing, as in Go */
export function uploadedRange(sizeBytes: number): string {
  return `0-${Math.max(0, sizeBytes - 1)}`;
}
