import { delayAfter } from "../wrappers/retry/backoff.ts";
import { S3ConnectionError, S3RequestError } from "./s3-lane.ts";

/**
 * Why trying again may help: the store asks for fewer requests or is away for the moment, so that it needs time; or
 * something has gone wrong by chance.
 */
export type PassingFailure = "busy" | "chance";

/** @returns undefined if the same would come of another attempt */
export function passingFailureOf(error: unknown): PassingFailure | undefined {
  if (error instanceof S3ConnectionError) return passingConnection(error.cause);
  return error instanceof S3RequestError ? passingRefusal(error.status, error.code) : undefined;
}

/** As {@link passingFailureOf}, of an answer's status and code. */
export function passingRefusal(status: number, code: string): PassingFailure | undefined {
  if (BUSY_CODES.has(code) || BUSY_STATUSES.has(status)) return "busy";
  return CHANCE_CODES.has(code) || CHANCE_STATUSES.has(status) ? "chance" : undefined;
}

/** As {@link passingFailureOf}, of what a connection failed with. */
export function passingConnection(cause: unknown): PassingFailure | undefined {
  const code = codeOf(cause);
  if (isCertificateProblem(code)) return undefined;
  return AWAY_CODES.has(code) ? "busy" : "chance";
}

/**
 * Tells whether the store may carry out, at some later time, what failed so: the request may have reached it, and it has
 * neither done nor refused it yet.
 */
export function mayHappenLater(error: unknown): boolean {
  if (error instanceof S3RequestError) {
    // Some refusals come with a status of 200.
    const isRefused = error.status >= 300 && error.status < 500 && error.code !== "InternalError";
    return !isRefused && !BUSY_CODES.has(error.code);
  }
  if (!(error instanceof S3ConnectionError)) return false;
  const code = codeOf(error.cause);
  return !AWAY_CODES.has(code) && code !== "UND_ERR_CONNECT_TIMEOUT" && !isCertificateProblem(code);
}

/** Tells whether a connection failed because TLS does not trust or understand the other side. */
export function isCertificateProblem(code: string): boolean {
  return /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|EPROTO$|HOSTNAME_MISMATCH|INVALID_CA)/.test(
    code,
  );
}

/** @returns the code of what a connection failed with, also where several addresses were tried; empty if it has none */
export function codeOf(cause: unknown): string {
  if (typeof cause !== "object" || cause === null) return "";
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  if ("errors" in cause && Array.isArray(cause.errors)) return codeOf(cause.errors[0]);
  return "cause" in cause ? codeOf(cause.cause) : "";
}

/** Tells whether a refusal says that the session of a key has ended, so that another key may help. */
export function isOldKey(code: string): boolean {
  return OLD_KEY_CODES.has(code);
}

const OLD_KEY_CODES = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "TokenRefreshRequired",
  "InvalidToken",
]);

const BUSY_STATUSES = new Set([429, 503]);
const CHANCE_STATUSES = new Set([408, 500, 502, 504]);

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const BUSY_CODES = new Set([
  "SlowDown",
  "ServiceUnavailable",
  "Throttling",
  "ThrottlingException",
  "TooManyRequests",
  "RequestLimitExceeded",
  "RequestThrottled",
  "ReducedRequestRate",
]);

const CHANCE_CODES = new Set([
  "InternalError",
  "RequestTimeout",
  "IncompleteBody",
  // Another change of the same key was at work.
  "OperationAborted",
  "ConditionalRequestConflict",
]);

const AWAY_CODES = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN", "ENOTFOUND"]);

const FIRST_DELAY_MS: Readonly<Record<PassingFailure, number>> = { busy: 500, chance: 100 };
const MAX_DELAY_MS = 20_000;
/** A server that wants a longer pause than this gets this one. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * @param failures - how many attempts have failed, 1 or more
 * @param random - between 0 and 1
 * @param retryAfterMs - what the server has asked for, see {@link retryAfterOf}
 * @returns how long to wait before the next attempt: at random below a bound that doubles each time, so that many
 *   clients do not come back at the same moment
 */
export function pauseAfter(
  failure: PassingFailure,
  failures: number,
  random: number,
  retryAfterMs: number,
): number {
  const backoff = { attempts: 0, firstDelayMs: FIRST_DELAY_MS[failure], maxDelayMs: MAX_DELAY_MS };
  return Math.min(MAX_RETRY_AFTER_MS, retryAfterMs) + delayAfter(failures, backoff, random);
}

/**
 * @param header - the `Retry-After` of an answer: seconds or a date
 * @returns milliseconds, 0 if the server asks for no pause
 */
export function retryAfterOf(header: string | undefined, nowMs: number): number {
  if (header === undefined || header === "") return 0;
  const seconds = Number(header);
  const delayMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  return delayMs > 0 ? delayMs : 0;
}
