import { isHeld } from "../lib/held-name.ts";
import { checkRepositoryName } from "../oci/reference.ts";
import { type Answer, emptyAnswer } from "./answer.ts";
import { ApiError } from "./api-error.ts";
import { type Identity, neededAccess } from "./auth/access.ts";
import type { Exchange } from "./exchange.ts";
import { getBase, getRoot } from "./handlers/base.ts";
import { deleteBlob, getBlob } from "./handlers/blob.ts";
import { listCatalog } from "./handlers/catalog.ts";
import { deleteManifest } from "./handlers/manifest-delete.ts";
import { getManifest } from "./handlers/manifest-get.ts";
import { putManifest } from "./handlers/manifest-put.ts";
import { listReferrers } from "./handlers/referrers.ts";
import { deleteTag, listTags } from "./handlers/tags.ts";
import { appendToUpload, cancelUpload, finishUpload, getUpload } from "./handlers/upload.ts";
import { startUpload } from "./handlers/upload-start.ts";
import { matchRoute, type RouteKind } from "./router.ts";
import type { Handler, ServerContext } from "./server-context.ts";

const HANDLERS: Readonly<Record<RouteKind, Readonly<Record<string, Handler>>>> = {
  root: { GET: getRoot, HEAD: getRoot },
  base: { GET: getBase, HEAD: getBase },
  catalog: { GET: listCatalog, HEAD: listCatalog },
  tags: { GET: listTags, HEAD: listTags },
  tag: { DELETE: deleteTag },
  manifest: { GET: getManifest, HEAD: getManifest, PUT: putManifest, DELETE: deleteManifest },
  blob: { GET: getBlob, HEAD: getBlob, DELETE: deleteBlob },
  uploads: { POST: startUpload },
  upload: { GET: getUpload, HEAD: getUpload, PATCH: appendToUpload, PUT: finishUpload, DELETE: cancelUpload },
  referrers: { GET: listReferrers, HEAD: listReferrers },
};

/** Routes that are about no repository. */
const NAMELESS: ReadonlySet<RouteKind> = new Set<RouteKind>(["root", "base", "catalog"]);

const READS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Finds the handler of a request, asks access control and runs it. `/` is open to all: load balancers look there. A
 * name is checked before it is asked for, so that access control and the headers of a challenge never see one that
 * could be read in two ways; what becomes of an impossible name tells nothing of what is stored.
 *
 * @throws {ApiError} PATH_UNKNOWN, UNAUTHORIZED, UNSUPPORTED with Allow; whatever the handler throws
 * @throws {InvalidReferenceError} if the path names a repository that cannot be
 */
export function dispatch(context: ServerContext, exchange: Exchange): Answer | Promise<Answer> {
  const route = matchRoute(exchange.path, context.settings.http.prefix);
  if (route === undefined) throw new ApiError("PATH_UNKNOWN");
  exchange.route = route;
  if (!NAMELESS.has(route.kind)) checkRepositoryName(route.name);
  if (context.access === undefined || route.kind === "root") return handleRoute(context, exchange);
  const needed = neededAccess(route, exchange.method, exchange.query);
  const identity = context.access.authorize(exchange, needed);
  const goOn = ({ user }: Identity): Answer | Promise<Answer> => {
    exchange.user = user;
    return handleRoute(context, exchange);
  };
  return identity instanceof Promise ? identity.then(goOn) : goOn(identity);
}

function handleRoute(context: ServerContext, exchange: Exchange): Answer | Promise<Answer> {
  const { route } = exchange;
  const handlers = HANDLERS[route.kind];
  const handler = Object.hasOwn(handlers, exchange.method) ? handlers[exchange.method] : undefined;
  if (handler && isAllowed(context, route.kind, exchange.method)) {
    // In the same turn in which it was seen that writes are taken.
    if (!READS.has(exchange.method)) {
      if (isHeld(context.heldNames, route.name)) throw beingMoved();
      context.writes.begin(exchange);
    }
    return handler(context, exchange);
  }
  const allow = Object.keys(handlers).filter((method) => isAllowed(context, route.kind, method));
  const headers = { Allow: [...allow, "OPTIONS"].join(", ") };
  if (exchange.method === "OPTIONS") return emptyAnswer(200, headers);
  const detail = handler ? { reason: refusal(context) } : undefined;
  throw new ApiError("UNSUPPORTED", { headers, detail });
}

function isAllowed(context: ServerContext, kind: RouteKind, method: string): boolean {
  if (READS.has(method)) return true;
  if (context.readOnly) return false;
  return method !== "DELETE" || kind === "upload" || context.settings.deleteEnabled;
}

/** Clients try again after the time that the table says. */
function beingMoved(): ApiError {
  return new ApiError("UNAVAILABLE", { detail: { reason: "the repository is being moved" } });
}

function refusal(context: ServerContext): string {
  return context.readOnly
    ? "the registry is read-only"
    : "deletes are disabled in the registry's configuration";
}
