/** The path shapes of the API. */
export type RouteKind =
  | "root"
  | "base"
  | "catalog"
  | "tags"
  | "tag"
  | "manifest"
  | "blob"
  | "uploads"
  | "upload"
  | "referrers";

/** Where a request goes. */
export interface Route {
  kind: RouteKind;
  /** Repository name, not checked yet; empty for shapes that have none. */
  name: string;
  /** Tag, digest or upload id, not checked yet; empty for shapes that have none. */
  reference: string;
}

/**
 * Finds what a path stands for. Names contain slashes, and any word of the API may be part of a name, so paths are
 * read from their end.
 *
 * @param path - the request's path as sent, without query
 * @param prefix - `http.prefix`, with leading and trailing slash
 * @returns undefined if no shape fits
 */
export function matchRoute(path: string, prefix: string): Route | undefined {
  const decoded = path.includes("%") ? decodePath(path) : path;
  if (decoded === undefined) return undefined;
  if (decoded === "/" || decoded === prefix) return { kind: "root", name: "", reference: "" };
  const start = prefix.length + 2;
  if (!decoded.startsWith(prefix) || !decoded.startsWith("v2", prefix.length)) return undefined;
  if (decoded.length === start) return { kind: "base", name: "", reference: "" };
  if (decoded[start] !== "/") return undefined;
  const below = decoded.slice(start + 1);
  if (below === "") return { kind: "base", name: "", reference: "" };
  if (below === "_catalog") return { kind: "catalog", name: "", reference: "" };
  return matchRepositoryRoute(below);
}

function matchRepositoryRoute(below: string): Route | undefined {
  const slash = below.lastIndexOf("/");
  if (slash < 0) return undefined;
  const head = below.slice(0, slash);
  const last = below.slice(slash + 1);
  if (head.endsWith("/manifests")) return route("manifest", head, "/manifests", last);
  if (head.endsWith("/blobs/uploads")) {
    return route(last === "" ? "uploads" : "upload", head, "/blobs/uploads", last);
  }
  if (head.endsWith("/blobs")) return route(last === "uploads" ? "uploads" : "blob", head, "/blobs", last);
  if (last === "list" && head.endsWith("/tags")) return route("tags", head, "/tags", "");
  if (head.endsWith("/tags/reference")) return route("tag", head, "/tags/reference", last);
  if (head.endsWith("/referrers")) return route("referrers", head, "/referrers", last);
  return undefined;
}

function route(kind: RouteKind, head: string, ending: string, reference: string): Route {
  return { kind, name: head.slice(0, -ending.length), reference: kind === "uploads" ? "" : reference };
}

/** Decodes once, so that nothing that is checked afterwards can still hide a separator. */
function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
