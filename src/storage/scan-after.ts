import { compareKeys } from "./key-order.ts";

/**
 * Tells how much of a folder a scan that begins behind a file still has to give.
 *
 * @param folder - path of the folder
 * @param after - path of the file, which need not be there; undefined: the scan begins at the start
 */
export function partBehind(folder: string, after: string | undefined): "none" | "some" | "all" {
  if (after === undefined) return "all";
  const first = folder === "/" ? "/" : `${folder}/`;
  if (compareKeys(first, after) >= 0) return "all";
  return after.startsWith(first) ? "some" : "none";
}

/** Tells whether a scan that begins behind `after` gives this path. */
export function isBehind(path: string, after: string | undefined): boolean {
  return after === undefined || compareKeys(path, after) > 0;
}
