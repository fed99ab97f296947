import type { S3ClientConfig } from "@aws-sdk/client-s3";
import {
  isOldKey,
  type PassingFailure,
  passingConnection,
  passingRefusal,
  pauseAfter,
  retryAfterOf,
} from "./retry-rules.ts";
import { sdkRefusalOf } from "./sdk-refusal.ts";

/** Options of {@link sdkRetries}. */
export interface SdkRetryOptions {
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined;
  /** Between 0 and 1. */
  random?: (() => number) | undefined;
  /** Asks for another key after one was refused as expired; false if there is none. */
  renewKey?: (() => Promise<boolean>) | undefined;
}

type RetryStrategy = Exclude<NonNullable<S3ClientConfig["retryStrategy"]>, { retry: unknown }>;

/**
 * Has the SDK try again when the lane does, with the same pauses. The SDK's own rules stop after some hundred failures in a
 * row, wherever they were, and leave what a store asks for aside.
 *
 * @param maxRetries - attempts behind the first
 */
export function sdkRetries(maxRetries: number, options: SdkRetryOptions = {}): RetryStrategy {
  const { now = Date.now, random = Math.random } = options;
  return {
    acquireInitialRetryToken: () => Promise.resolve(token(0, 0)),
    async refreshRetryTokenForRetry(used, { error }) {
      const failures = used.getRetryCount() + 1;
      const refusal = sdkRefusalOf(error);
      if (failures === 1 && refusal !== undefined && isOldKey(refusal.code)) {
        if (await options.renewKey?.()) return token(failures, 0);
      }
      const failure = sdkFailureOf(error);
      // The SDK throws what the request failed with, whatever is thrown here.
      if (failure === undefined || failures > maxRetries) throw new Error("no more attempts");
      const wantedMs = retryAfterOf(refusal?.headers["retry-after"], now());
      return token(failures, pauseAfter(failure, failures, random(), wantedMs));
    },
    recordSuccess: () => undefined,
  };
}

function token(retries: number, delayMs: number) {
  return { getRetryCount: () => retries, getRetryDelay: () => delayMs };
}

/** @returns why another attempt may help; undefined if it cannot */
function sdkFailureOf(error: unknown): PassingFailure | undefined {
  if (!(error instanceof Error) || error.name === "AbortError") return undefined;
  const refusal = sdkRefusalOf(error);
  if (refusal !== undefined) {
    // The SDK sets its clock by the answer when that is what was wrong, and asks for another attempt.
    if (refusal.isClockSkewCorrected) return "chance";
    // An answer that could not be read.
    if (refusal.status < 300) return "chance";
    return passingRefusal(refusal.status, refusal.code);
  }
  const isFromConnection = error.name === "TimeoutError" || "code" in error || "syscall" in error;
  return isFromConnection ? passingConnection(error) : undefined;
}
