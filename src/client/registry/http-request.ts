import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import { CancelledError } from "../../errors.ts";
import { errorCodeOf } from "../../lib/system-error.ts";

/** Nothing came for so long: the other side is gone. */
const SILENCE_MS = 60_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Connections to one host; more work at a time waits for one. */
const MAX_CONNECTIONS = 8;

/** Connections that are kept for later requests. */
export interface Connections {
  http: HttpAgent;
  https: HttpsAgent;
}

/** @param ca - certificates in PEM form that count beside those that everybody trusts */
export function openConnections(ca?: string | Uint8Array): Connections {
  const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
  return {
    http: new HttpAgent(options),
    https: new HttpsAgent({
      ...options,
      ...(ca === undefined ? {} : { ca: [...rootCertificates, Buffer.from(ca)] }),
    }),
  };
}

/** One request. */
export interface RequestOptions {
  connections: Connections;
  method?: "GET" | "HEAD" | "DELETE" | "OPTIONS" | "POST";
  headers?: Readonly<Record<string, string>>;
  /** Sent to the host of the address only, never to one that it redirects to. */
  authorization?: string | undefined;
  body?: { type: string; text: string };
  signal?: AbortSignal | undefined;
}

/** What came back. */
export interface HttpAnswer {
  /** Its body must be read or destroyed. */
  message: IncomingMessage;
  /** It is from the host that was asked, not from one that this one redirected to. */
  isOwn: boolean;
}

/**
 * Asks for an address; GET and HEAD follow where it leads. Certificates are verified.
 *
 * @throws {CancelledError} when the signal is aborted
 * @throws {Error} if there is no answer, or it leads in circles
 */
export async function sendRequest(address: URL, options: RequestOptions): Promise<HttpAnswer> {
  const { method = "GET" } = options;
  const follows = method === "GET" || method === "HEAD";
  let at = address;
  for (let redirects = 0; ; redirects++) {
    const isOwn = at.origin === address.origin;
    const message = await ask(at, { ...options, authorization: isOwn ? options.authorization : undefined });
    const { location } = message.headers;
    if (!follows || !REDIRECTS.has(message.statusCode ?? 0) || location === undefined) {
      return { message, isOwn };
    }
    message.resume();
    if (redirects === MAX_REDIRECTS) throw new Error(`${address.host} redirects without end`);
    at = new URL(location, at);
    if (at.protocol !== "https:" && at.protocol !== "http:")
      throw new Error("it redirects to no web address");
  }
}

/** An answer is longer than it should be. */
export class TooLongError extends Error {}

/**
 * @returns the whole body of a small answer
 * @throws {TooLongError} if it has more than `maxBytes`
 * @throws {Error} if it breaks off
 */
export async function bytesOf(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > maxBytes) throw new TooLongError(`it is longer than ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  if (!answer.complete) throw new Error("the answer broke off");
  return Buffer.concat(chunks);
}

/** A connection that was kept may have been closed by the other side just now, which only the next request finds out. */
async function ask(address: URL, options: RequestOptions): Promise<IncomingMessage> {
  for (;;) {
    const { request, answer } = begin(address, options);
    try {
      return await answer;
    } catch (error) {
      const isStale = request.reusedSocket && errorCodeOf(error) === "ECONNRESET";
      // A deletion may have been carried out: whoever asks for it must know that it is the second.
      if (!isStale || options.method === "DELETE") throw error;
    }
  }
}

function begin(
  address: URL,
  { connections, method = "GET", headers, authorization, body, signal }: RequestOptions,
): { request: ClientRequest; answer: Promise<IncomingMessage> } {
  const isSecure = address.protocol === "https:";
  const send = isSecure ? httpsRequest : httpRequest;
  const request: ClientRequest = send(address, {
    method,
    agent: isSecure ? connections.https : connections.http,
    headers: {
      ...headers,
      ...(body ? { "content-type": body.type, "content-length": String(Buffer.byteLength(body.text)) } : {}),
      ...(authorization === undefined ? {} : { authorization }),
    },
    timeout: SILENCE_MS,
    ...(signal ? { signal } : {}),
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    const fail = (error: unknown): void => reject(signal?.aborted ? new CancelledError() : error);
    request.on("timeout", () => request.destroy(new Error(`nothing within ${SILENCE_MS / 1000} s`)));
    request.on("error", fail);
    request.on("response", resolve);
  });
  request.end(body?.text);
  return { request, answer };
}
