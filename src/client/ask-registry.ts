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

/** What is asked of a registry. */
export interface RegistryQuestion {
  method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below the prefix, without a leading slash. */
  path: string;
  /** Media types that the answer may have. */
  accept?: string;
  body?: { type: string; text: string };
}

/** What came back from one address. */
export type RegistryAnswer =
  | { kind: "answer"; response: IncomingMessage; body: string }
  /** Nothing listens there. */
  | { kind: "nobody" }
  /** It does not answer; `reason` is for people. */
  | { kind: "broken"; reason: string };

const TIMEOUT_MS = 10_000;
/** For all of it, however slowly the answer comes in. */
const DEADLINE_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Nothing listens at the address, or this machine does not have the address. */
const NOBODY = new Set(["ECONNREFUSED", "ENOENT", "EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/**
 * Asks the registry at its own address. An address without a host stands for this machine, with IPv4 and IPv6. The
 * certificate is not verified: the name in it is seldom that of the address, and what `authorization` allows should be
 * no more than this question.
 *
 * @returns an answer for each address that is meant
 */
export async function askRegistry(
  target: ProbeTarget,
  question: RegistryQuestion,
): Promise<RegistryAnswer[]> {
  const answers: RegistryAnswer[] = [];
  for (const place of placesOf(target)) answers.push(await askPlace(target, question, place));
  return answers;
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

function askPlace(target: ProbeTarget, question: RegistryQuestion, place: Place): Promise<RegistryAnswer> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      if (NOBODY.has(error.code ?? "")) resolve({ kind: "nobody" });
      else resolve({ kind: "broken", reason: error.message.trim() });
    };
    try {
      const { method, path, accept, body } = question;
      const options = {
        ...place,
        method,
        path: `${target.prefix}${path}`,
        headers: {
          ...(body ? { "content-type": body.type, "content-length": String(body.text.length) } : {}),
          connection: "close",
          ...(accept === undefined ? {} : { accept }),
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
        readAnswer(response).then((text) => resolve({ kind: "answer", response, body: text }), fail);
      });
      request.end(body?.text);
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
