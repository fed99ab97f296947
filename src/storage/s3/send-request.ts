import { setTimeout } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import type { PlainAnswer, PreparedRequest } from "./connection-exchange.ts";
import type { ConnectionPools } from "./connection-pools.ts";
import type { CredentialsSource } from "./credentials-source.ts";
import { confirmMiss, isDoubtfulMiss, listingFor } from "./missing-answer.ts";
import { redirectTarget } from "./redirect-target.ts";
import { RequestSigning, type SigningParts, type UnsentRequest } from "./request-signing.ts";
import { isOldKey, mayHappenLater, passingFailureOf, pauseAfter, retryAfterOf } from "./retry-rules.ts";
import { S3ConnectionError, type S3Lane, type S3Request, S3RequestError } from "./s3-lane.ts";
import { checkAnswer, refusalOf } from "./send-check.ts";
import { SilenceBudget } from "./silence-budget.ts";

/** What {@link createLane} needs. */
export interface LaneParts extends Omit<SigningParts, "now"> {
  credentials: Pick<CredentialsSource, "current" | "load" | "renew">;
  connections: ConnectionPools;
  /** Told of each attempt that the store has been too busy for. */
  onBusy?: (() => void) | undefined;
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined;
  /** Waits; rejects when the signal is aborted. */
  sleep?: ((delayMs: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Between 0 and 1. */
  random?: (() => number) | undefined;
}

/** One attempt: what is sent, and how long it may wait for the head of its answer. */
interface Attempt {
  unsent: UnsentRequest;
  silence: SilenceBudget;
}

/** Makes the lane of a bucket. */
export function createLane(parts: LaneParts): S3Lane {
  const { settings, credentials, connections, requests } = parts;
  const { now = Date.now, sleep = sleepUnlessAborted, random = Math.random } = parts;
  const signing = new RequestSigning({ ...parts, now });

  /** Makes attempts until one succeeds, or no other would. */
  async function repeat<Answer>(
    request: S3Request,
    attempt: (attempt: Attempt) => Promise<Answer>,
  ): Promise<{ answer: Answer; attempts: number }> {
    const unsent = signing.prepare(request);
    const silence = new SilenceBudget(request, connections.timeouts);
    let hasNewKey = false;
    for (let attempts = 1, failures = 1; ; attempts++) {
      if (request.signal?.aborted) throw new CancelledError();
      try {
        return { answer: await attempt({ unsent, silence }), attempts };
      } catch (error) {
        silence.end();
        if (mayHappenLater(error)) request.onUnanswered?.();
        if (request.signal?.aborted) throw new CancelledError("cancelled", { cause: error });
        if (error instanceof S3RequestError || error instanceof S3ConnectionError) error.attempts = attempts;
        if (!hasNewKey && speaksOfOldKey(error, request)) {
          hasNewKey = await credentials.renew(unsent.signedWith, now());
          if (hasNewKey) continue;
        }
        const failure = passingFailureOf(error);
        if (failure === "busy") parts.onBusy?.();
        if (failure === undefined || failures > settings.maxRetries || silence.isSpent) throw error;
        const wanted = error instanceof S3RequestError ? error.headers["retry-after"] : undefined;
        const pauseMs = pauseAfter(failure, failures, random(), retryAfterOf(wanted, now()));
        failures++;
        await sleep(pauseMs, request.signal);
      }
    }
  }

  /** Sends a request, and once more where the store sends it. */
  async function follow<Body>(
    { unsent, silence }: Attempt,
    exchange: (prepared: PreparedRequest, headMs: number | undefined) => Promise<PlainAnswer<Body>>,
    discard: (body: Body) => void,
  ): Promise<PlainAnswer<Body>> {
    const signed = await signing.sign(unsent);
    const answer = await exchange(signed, silence.begin());
    const { sentTo } = unsent;
    if (answer.status !== 307 || sentTo === undefined) return answer;
    const target = redirectTarget(answer.headers["location"], sentTo, settings.bucket);
    if (target === undefined) return answer;
    discard(answer.body);
    silence.end();
    const redirected = await signing.sign(unsent, target);
    return exchange(redirected, silence.begin());
  }

  const exchangeWhole = (
    prepared: PreparedRequest,
    headMs: number | undefined,
  ): Promise<PlainAnswer<Uint8Array>> => connections.exchange(prepared, headMs);

  /** @throws {S3ConnectionError} if it is not sure that nothing is there */
  async function doubt(answer: PlainAnswer<Uint8Array>, { unsent, silence }: Attempt): Promise<void> {
    if (!isDoubtfulMiss(answer)) return;
    const listing = listingFor(unsent.request);
    silence.end();
    const attempt = { unsent: signing.prepare(listing), silence };
    confirmMiss(unsent.request, listing, await follow(attempt, exchangeWhole, () => undefined));
  }

  return {
    requests,
    async send(request) {
      const { answer, attempts } = await repeat(request, async (attempt) => {
        const plain = await follow(attempt, exchangeWhole, () => undefined);
        await doubt(plain, attempt);
        checkAnswer(request, plain);
        return plain;
      });
      return { ...answer, attempts };
    },
    async open(request) {
      const { answer, attempts } = await repeat(request, async (attempt) => {
        const streamed = await follow(
          attempt,
          (prepared, headMs) => connections.open(prepared, headMs),
          (body) => void body.on("error", () => undefined).destroy(),
        );
        if (streamed.status < 300) return streamed;
        const whole = await wholeOf(streamed);
        await doubt(whole, attempt);
        throw refusalOf(whole);
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

async function sleepUnlessAborted(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw new CancelledError("cancelled", { cause: error });
  }
}
