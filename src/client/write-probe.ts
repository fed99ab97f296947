import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";

/** Where a registry listens, as its configuration says. */
export interface ProbeTarget {
  /** `host:port`, `:port`, or the path of a socket. */
  addr: string;
  net: "tcp" | "unix";
  /** With leading and trailing slash. */
  prefix: string;
  /** It speaks TLS. */
  tls: boolean;
  /** Value of the Authorization header; undefined: none is sent. */
  authorization?: string | undefined;
}

/** The repository to which the probe writes, or would if any registry took what it sends. */
export const PROBE_REPOSITORY = "registry-ctl/write-probe";

/** What is known of the registry at an address. */
export type ProbeResult =
  | { kind: "read-only" }
  /** Nothing listens there. */
  | { kind: "nobody" }
  /** `answer` says for people what came back. */
  | { kind: "other"; answer: string };

const TIMEOUT_MS = 10_000;
/** For all of it, however slowly the answer comes in. */
const DEADLINE_MS = 30_000;
const BODY = "{}";
const MAX_ANSWER_BYTES = 64 * 1024;
const PROBE_PATH = `v2/${PROBE_REPOSITORY}/manifests/probe`;
/** Nothing listens at the address, or this machine does not have the address. */
const NOBODY = new Set(["ECONNREFUSED", "ENOENT", "EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/**
 * Finds out whether the registry at its own address takes writes, by an upload of a manifest that no registry accepts:
 * one that takes writes answers 400 and changes nothing, one in read-only mode answers 405. All other answers prove
 * nothing; a 405 does only if it is a registry that says it.
 *
 * An address without a host stands for this machine, with IPv4 and IPv6. The certificate is not verified: the name in it
 * is seldom that of the address, and what `authorization` allows should be no more than this probe.
 */
export async function probeWrites(target: ProbeTarget): Promise<ProbeResult> {
  const results: ProbeResult[] = [];
  for (const place of placesOf(target)) results.push(await probePlace(target, place));
  return (
    results.find(({ kind }) => kind === "other") ??
    results.find(({ kind }) => kind === "read-only") ?? { kind: "nobody" }
  );
}

type Place = { socketPath: string } | { host: string; port: number };

function placesOf({ addr, net }: ProbeTarget): Place[] {
  if (net === "unix") return [{ socketPath: addr }];
  const colon = addr.lastIndexOf(":");
  const port = Number(addr.slice(colon + 1));
  const host = addr.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, "");
  const isAny = host === "" || host === "0.0.0.0" || host === "::" || host === "localhost";
  return (isAny ? ["127.0.0.1", "::1"] : [host]).map((name) => ({ host: name, port }));
}

function probePlace(target: ProbeTarget, place: Place): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      if (NOBODY.has(error.code ?? "")) resolve({ kind: "nobody" });
      else resolve({ kind: "other", answer: `no answer: ${error.message.trim()}` });
    };
    try {
      const options = {
        ...place,
        method: "PUT",
        path: `${target.prefix}${PROBE_PATH}`,
        headers: {
          "content-type": "application/vnd.oci.image.manifest.v1+json",
          "content-length": String(BODY.length),
          connection: "close",
          ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
        },
        timeout: TIMEOUT_MS,
        signal: AbortSignal.timeout(DEADLINE_MS),
      };
      const request: ClientRequest = target.tls
        ? httpsRequest({ ...options, rejectUnauthorized: false })
        : httpRequest(options);
      request.on("error", fail);
      request.on("timeout", () => request.destroy(new Error(`nothing within ${TIMEOUT_MS / 1000} s`)));
      request.on("response", (response) => {
        readAnswer(response).then((body) => resolve(judge(response, body)), fail);
      });
      request.end(BODY);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

async function readAnswer(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_ANSWER_BYTES) break;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function judge(response: IncomingMessage, body: string): ProbeResult {
  const status = response.statusCode ?? 0;
  if (status === 405) {
    return isReadOnlyRegistry(response, body)
      ? { kind: "read-only" }
      : { kind: "other", answer: "405, but not by a registry" };
  }
  const takesWrites = status === 400 && /"code"\s*:\s*"[A-Z]*(MANIFEST|TAG|NAME|DIGEST|SIZE)/.test(body);
  return {
    kind: "other",
    answer: takesWrites ? `${status}: it takes writes` : `${status} ${response.statusMessage ?? ""}`.trim(),
  };
}

/**
 * Ours says in the body that it is a registry. The Go registry says so only in a header, which proxies before it are
 * often told to add to whatever they answer themselves; but these do not say which methods are allowed.
 */
function isReadOnlyRegistry({ headers }: IncomingMessage, body: string): boolean {
  if (/"code"\s*:\s*"UNSUPPORTED"/.test(body)) return true;
  const allowed = headers.allow?.toUpperCase().split(/\s*,\s*/) ?? [];
  const isGoRegistry = headers["docker-distribution-api-version"] !== undefined;
  return isGoRegistry && allowed.includes("GET") && !allowed.includes("PUT");
}
