import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { CancelledError } from "../../errors.ts";

/** Nothing came for so long: the other side is gone. */
const SILENCE_MS = 60_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_TEXT_BYTES = 1024 * 1024;

/** One request. */
export interface GetOptions {
  method?: "GET" | "HEAD";
  headers?: Readonly<Record<string, string>>;
  /** Sent to the host of the address only, never to one that it redirects to. */
  authorization?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Asks for an address, and follows where it leads. Certificates are verified. The answer's body must be read or destroyed.
 *
 * @throws {CancelledError} when the signal is aborted
 * @throws {Error} if there is no answer, or it leads in circles
 */
export async function httpGet(address: URL, options: GetOptions): Promise<IncomingMessage> {
  let at = address;
  for (let redirects = 0; ; redirects++) {
    const authorization = at.origin === address.origin ? options.authorization : undefined;
    const answer = await ask(at, { ...options, authorization });
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.statusCode ?? 0) || location === undefined) return answer;
    answer.resume();
    if (redirects === MAX_REDIRECTS) throw new Error(`${address.host} redirects without end`);
    at = new URL(location, at);
    if (at.protocol !== "https:" && at.protocol !== "http:")
      throw new Error("it redirects to no web address");
  }
}

/** @returns the whole body of a small answer */
export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_TEXT_BYTES) throw new Error("the answer is too long");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function ask(
  address: URL,
  { method = "GET", headers, authorization, signal }: GetOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(signal?.aborted ? new CancelledError() : error);
    const send = address.protocol === "https:" ? httpsRequest : httpRequest;
    const request: ClientRequest = send(address, {
      method,
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      timeout: SILENCE_MS,
      ...(signal ? { signal } : {}),
    });
    request.on("timeout", () => request.destroy(new Error(`nothing within ${SILENCE_MS / 1000} s`)));
    request.on("error", fail);
    request.on("response", resolve);
    request.end();
  });
}
