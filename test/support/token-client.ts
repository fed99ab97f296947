import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Credentials } from "./gitlab-issuer-world.ts";
import { TEST_CERTIFICATE } from "./test-certificate.ts";

/** One request to a registry. */
export interface PlainRequest {
  method: string;
  url: string | URL;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}

/** Its answer, read to the end. */
export interface PlainAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What came of a request that was sent as a client of the token protocol sends it. */
export interface Attempt {
  /** What the registry asked for when no token came along; undefined if it asked for none. */
  challenge: string | undefined;
  /** What the issuer answered; undefined if it was not asked. */
  tokenStatus: number | undefined;
  /** The last answer of the registry. */
  answer: PlainAnswer;
}

/** Sends one request, trusting `TEST_CERTIFICATE` too. */
export function send({ method, url, headers = {}, body }: PlainRequest): Promise<PlainAnswer> {
  const target = new URL(url);
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const all = { ...headers, "content-length": String(bytes?.length ?? 0) };
  return new Promise((resolve, reject) => {
    const outgoing =
      target.protocol === "https:"
        ? httpsRequest(target, { method, headers: all, ca: TEST_CERTIFICATE })
        : httpRequest(target, { method, headers: all });
    outgoing.on("error", reject);
    outgoing.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.end(bytes);
  });
}

/**
 * Sends a request without a token, gets the token that the registry asks for, and sends the request again with it.
 *
 * @param credentials - none: as an anonymous client
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export async function attempt(plain: PlainRequest, credentials?: Credentials): Promise<Attempt> {
  const first = await send(plain);
  const challenge = first.headers["www-authenticate"];
  if (first.status !== 401 || challenge === undefined)
    return { challenge, tokenStatus: undefined, answer: first };
  const issued = await askForToken(challenge, credentials);
  if (issued.token === undefined) return { challenge, tokenStatus: issued.status, answer: first };
  const headers = { ...plain.headers, authorization: `Bearer ${issued.token}` };
  return { challenge, tokenStatus: issued.status, answer: await send({ ...plain, headers }) };
}

/** Gets the token that a challenge asks for. */
export async function askForToken(
  challenge: string,
  credentials?: Credentials,
): Promise<{ status: number; token: string | undefined }> {
  const { realm, service, scope } = readChallenge(challenge);
  const url = new URL(realm ?? "");
  url.searchParams.set("service", service ?? "");
  for (const one of scope?.split(" ") ?? []) url.searchParams.append("scope", one);
  const headers: Record<string, string> = {};
  if (credentials !== undefined) {
    const basic = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
    headers["authorization"] = `Basic ${basic}`;
  }
  const answer = await send({ method: "GET", url, headers });
  if (answer.status !== 200) return { status: answer.status, token: undefined };
  const { token }: { token: string } = JSON.parse(answer.body.toString());
  return { status: answer.status, token };
}

/** The parameters of a Bearer challenge. */
export function readChallenge(challenge: string): Record<string, string> {
  if (!challenge.startsWith("Bearer ")) throw new Error(`not a Bearer challenge: ${challenge}`);
  return Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
}

/** The codes of an error answer; none if it is another answer, or none of the registry's own. */
export function errorCodes(answer: PlainAnswer): string[] {
  const isJson = answer.headers["content-type"]?.startsWith("application/json");
  if (answer.status < 400 || !isJson) return [];
  const { errors }: { errors: { code: string }[] } = JSON.parse(answer.body.toString() || '{"errors":[]}');
  return errors.map(({ code }) => code);
}
