import { isRepositoryName, MAX_REPOSITORY_NAME_LENGTH } from "../../oci/reference.ts";
import type { Exchange } from "../exchange.ts";
import type { Route } from "../router.ts";

/**
 * One thing that a request needs to be allowed to do.
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 */
export interface Access {
  type: "repository" | "registry";
  /** Of the repository; `catalog` for the registry. */
  name: string;
  action: "pull" | "push" | "delete" | "*";
}

/** Who sends a request, as far as access control has found out. */
export interface Identity {
  /** For the access log; empty for somebody without a name. */
  user: string;
}

/** Decides who may do what. */
export interface AccessController {
  /**
   * @param needed - nothing for requests that any client with access to the registry may send
   * @returns a promise only where the answer is not at hand
   * @throws {ApiError} UNAUTHORIZED with the challenge in `WWW-Authenticate`
   */
  authorize(exchange: Exchange, needed: readonly Access[]): Identity | Promise<Identity>;
}

/**
 * Tells what a request needs, as the Go registry asks for it: push comes with pull, and who mounts a blob must be able
 * to pull it where it is.
 * @see https://github.com/distribution/distribution/blob/v3.0.0/registry/handlers/app.go
 */
export function neededAccess({ kind, name }: Route, method: string, query: URLSearchParams): Access[] {
  if (kind === "root" || kind === "base") return [];
  if (kind === "catalog") return [{ type: "registry", name: "catalog", action: "*" }];
  const needed = accessTo(name, method);
  const from = kind === "uploads" ? query.get("from") : null;
  if (from) needed.push({ type: "repository", name: nameableAs(from), action: "pull" });
  return needed;
}

/**
 * A repository that cannot be is asked for like one that is not there, so that the answers are the same. But as it goes
 * into the headers of a challenge, nothing that means something there is left of it; cut, it is still too long for one.
 */
function nameableAs(from: string): string {
  if (isRepositoryName(from)) return from;
  return from.slice(0, MAX_REPOSITORY_NAME_LENGTH + 1).replace(UNNAMEABLE, "?");
}

const UNNAMEABLE = /[^A-Za-z0-9._/-]/g;

function accessTo(name: string, method: string): Access[] {
  const type = "repository";
  switch (method) {
    case "GET":
    case "HEAD":
      return [{ type, name, action: "pull" }];
    case "POST":
    case "PUT":
    case "PATCH":
      return [
        { type, name, action: "pull" },
        { type, name, action: "push" },
      ];
    case "DELETE":
      return [{ type, name, action: "delete" }];
    default:
      return [];
  }
}
