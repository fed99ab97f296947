import { InvalidPathError } from "../errors.ts";

/** Most paths; much cheaper to test than the rule. */
const PLAIN_PATH = /^(?:\/[\w-][\w.-]*)+$/;
const VALID_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/u;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Checks a path of the store; every driver asks it before it does anything else, so that no path leads out of the
 * store and one key means one file everywhere.
 *
 * @param path - absolute, `/`-separated, with no empty, `.` or `..` segment and no NUL; `/` itself only as a folder
 * @param what - "file" refuses `/`, which can never be one
 * @returns the path unchanged
 * @throws {InvalidPathError}
 */
export function checkPath(path: string, what: "file" | "folder" = "file"): string {
  if (PLAIN_PATH.test(path)) return path;
  if (path === "/" && what === "folder") return path;
  if (VALID_PATH.test(path) && !LONE_SURROGATE.test(path)) return path;
  throw new InvalidPathError(path, reason(path));
}

function reason(path: string): string {
  if (path === "" || !path.startsWith("/")) return "it does not start with /";
  if (path === "/") return "it is the root of the store";
  if (path.includes("\0")) return "it contains a NUL character";
  if (LONE_SURROGATE.test(path)) return "it is not well-formed Unicode";
  if (path.includes("//") || path.endsWith("/")) return "it has an empty segment";
  return "it has a . or .. segment";
}
