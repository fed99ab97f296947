import { hash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { S3StorageSettings } from "../../config/settings.ts";
import { CancelledError } from "../../errors.ts";
import { checksumHeaders } from "./checksum-headers.ts";
import type { PlainAnswer, PreparedRequest } from "./connection-exchange.ts";
import type { ConnectionPools } from "./connection-pools.ts";
import type { CredentialsSource } from "./credentials-source.ts";
import type { EndpointAddress } from "./endpoint-address.ts";
import { countRequest, kindOfRequest } from "./request-counts.ts";
import { isOldKey, passingFailureOf, pauseAfter, retryAfterOf } from "./retry-rules.ts";
import { S3ConnectionError, type S3Lane, type S3Request, S3RequestError } from "./s3-lane.ts";
import { checkAnswer, refusalOf } from "./send-check.ts";
import type { RequestRate } from "./shared-rate.ts";
import { EMPTY_BODY_HASH, RequestSigner, type SigningCredentials } from "./sigv4.ts";
import { uriEncode, uriEncodeKey } from "./uri-encode.ts";

/** What {@link createLane} needs. */
export interface LaneParts {
  settings: S3StorageSettings;
  /** Counted into. */
  requests: Record<string, number>;
  rate: RequestRate;
  credentials: Pick<CredentialsSource, "current" | "load" | "renew">;
  /** Where the bucket is; asked once. */
  address: () => Promise<EndpointAddress>;
  connections: ConnectionPools;
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined;
  /** Waits; rejects when the signal is aborted. */
  sleep?: ((delayMs: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Between 0 and 1. */
  random?: (() => number) | undefined;
}

/** What every attempt of a request has in common. */
interface Prepared {
  kind: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  bodyHash: string;
  /** By the attempt before. */
  signedWith: SigningCredentials | undefined;
}

/** Where requests go, and what signs them for it. */
interface Place {
  address: EndpointAddress;
  signer: RequestSigner;
}

const USER_AGENT = "registry-ctl";

/** Makes the lane of a bucket. */
export function createLane(parts: LaneParts): S3Lane {
  const { settings, rate, credentials, connections, requests } = parts;
  const { now = Date.now, sleep = sleepUnlessAborted, random = Math.random } = parts;
  const userAgent = settings.userAgent === "" ? USER_AGENT : settings.userAgent;
  let place: Place | undefined;
  let finding: Promise<Place> | undefined;

  async function askForPlace(): Promise<Place> {
    try {
      const address = await parts.address();
      place = { address, signer: new RequestSigner(address.signingRegion, address.signingName) };
      return place;
    } finally {
      finding = undefined;
    }
  }

  function findPlace(): Promise<Place> {
    finding ??= askForPlace();
    return finding;
  }

  function prepare(request: S3Request): Prepared {
    const { body, key, query } = request;
    const headers: Record<string, string> = { "user-agent": userAgent, ...request.headers };
    Object.assign(headers, checksumHeaders(request, settings.checksums));
    return {
      kind: kindOfRequest(request),
      path: key === undefined ? "" : `/${uriEncodeKey(key)}`,
      query: query === undefined ? "" : encodedQuery(query),
      headers,
      bodyHash: body === undefined || body.length === 0 ? EMPTY_BODY_HASH : hash("sha256", body, "hex"),
      signedWith: undefined,
    };
  }

  /** One attempt: waits for its turn, signs and counts it. */
  async function sign(request: S3Request, prepared: Prepared): Promise<PreparedRequest> {
    const { address, signer } = place ?? (await findPlace());
    const turn = rate.take(request.signal);
    if (turn !== undefined) await turn;
    const key = credentials.current(now()) ?? (await credentials.load(now()));
    prepared.signedWith = key;
    const path = address.basePath + prepared.path || "/";
    const { method, body, signal } = request;
    const { query, bodyHash } = prepared;
    const unsigned = { method, host: address.host, path, query, headers: prepared.headers, bodyHash };
    const headers = signer.sign(unsigned, key, now());
    countRequest(requests, prepared.kind);
    return {
      origin: address.origin,
      path: query === "" ? path : `${path}?${query}`,
      method,
      headers,
      body,
      signal,
    };
  }

  /** Makes attempts until one succeeds, or no other would. */
  async function repeat<Answer>(
    request: S3Request,
    attempt: (prepared: Prepared) => Promise<Answer>,
  ): Promise<{ answer: Answer; attempts: number }> {
    const prepared = prepare(request);
    let hasNewKey = false;
    for (let attempts = 1, failures = 1; ; attempts++) {
      if (request.signal?.aborted) throw new CancelledError();
      try {
        return { answer: await attempt(prepared), attempts };
      } catch (error) {
        if (request.signal?.aborted) throw new CancelledError("cancelled", { cause: error });
        if (error instanceof S3RequestError || error instanceof S3ConnectionError) error.attempts = attempts;
        if (!hasNewKey && speaksOfOldKey(error, request)) {
          hasNewKey = await credentials.renew(prepared.signedWith, now());
          if (hasNewKey) continue;
        }
        const failure = passingFailureOf(error);
        if (failure === undefined || failures > settings.maxRetries) throw error;
        const wanted = error instanceof S3RequestError ? error.headers["retry-after"] : undefined;
        const pauseMs = pauseAfter(failure, failures, random(), retryAfterOf(wanted, now()));
        failures++;
        await sleep(pauseMs, request.signal);
      }
    }
  }

  return {
    requests,
    async send(request) {
      const { answer, attempts } = await repeat(request, async (prepared) => {
        const plain = await connections.exchange(await sign(request, prepared));
        checkAnswer(request, plain);
        return plain;
      });
      return { ...answer, attempts };
    },
    async open(request) {
      const { answer, attempts } = await repeat(request, async (prepared) => {
        const streamed = await connections.open(await sign(request, prepared));
        if (streamed.status >= 300) throw refusalOf(await wholeOf(streamed));
        return streamed;
      });
      return { ...answer, attempts };
    },
  };
}

/** A refusal needs no more than this. */
const MAX_REFUSAL_BYTES = 64 * 1024;

async function wholeOf(streamed: PlainAnswer<AsyncIterable<Buffer>>): Promise<PlainAnswer<Uint8Array>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of streamed.body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_REFUSAL_BYTES) break;
    }
  } catch {
    // The status alone says enough.
  }
  return { ...streamed, body: Buffer.concat(chunks) };
}

/**
 * Tells whether another session key may help. An answer to HEAD has no body that would say so: with an expired session
 * its status is 400.
 */
function speaksOfOldKey(error: unknown, request: S3Request): boolean {
  if (!(error instanceof S3RequestError)) return false;
  if (isOldKey(error.code)) return true;
  return request.method === "HEAD" && (error.status === 400 || error.status === 403);
}

function encodedQuery(query: Readonly<Record<string, string>>): string {
  const names = Object.keys(query);
  if (names.length > 1) names.sort();
  return names.map((name) => `${uriEncode(name)}=${uriEncode(query[name] ?? "")}`).join("&");
}

async function sleepUnlessAborted(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw new CancelledError("cancelled", { cause: error });
  }
}
