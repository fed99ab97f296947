import { setTimeout } from "node:timers/promises";
import { PathNotFoundError, StorageUnavailableError } from "../../../errors.ts";
import type { FileInfo, StorageDriver } from "../../driver.ts";
import { compareKeys } from "../../key-order.ts";
import { type StorageCall, type StorageMethod, wrapDriver } from "../wrap-driver.ts";
import { type Backoff, delayAfter } from "./backoff.ts";

/** Options of {@link retryDriver}. */
export interface RetryOptions extends Partial<Backoff> {
  /** Tells whether trying again may help. */
  isTransient?: (error: unknown) => boolean;
  sleep?: (delayMs: number) => Promise<unknown>;
  random?: () => number;
}

/** Calls that come to the same when they are done twice. A move, an exclusive creation and a writer do not. */
const REPEATABLE = new Set<StorageMethod>([
  "get",
  "put",
  "putOver",
  "read",
  "openFile",
  "stat",
  "list",
  "listNames",
  "delete",
  "deleteMany",
  "removeFolder",
  "settleRemovals",
  "setModified",
  "linkFiles",
  "settleNames",
  "spaceLeft",
  "now",
]);

const TRANSIENT_CODES = new Set(["EMFILE", "ENFILE", "EAGAIN", "EBUSY", "EINTR", "ESTALE", "ETIMEDOUT"]);

/** A failure that may pass by itself: too many open files, a network file system that lost a handle. */
export function isTransientFailure(error: unknown): boolean {
  if (!(error instanceof StorageUnavailableError)) return false;
  const { cause } = error;
  return (
    cause instanceof Error &&
    "code" in cause &&
    typeof cause.code === "string" &&
    TRANSIENT_CODES.has(cause.code)
  );
}

/**
 * Tries calls again that failed for a reason that may pass, as far as repeating them is safe. A walk goes on behind
 * the last file that it gave.
 */
export function retryDriver(inner: StorageDriver, options: RetryOptions = {}): StorageDriver {
  const backoff: Backoff = {
    attempts: options.attempts ?? 4,
    firstDelayMs: options.firstDelayMs ?? 50,
    maxDelayMs: options.maxDelayMs ?? 2000,
  };
  const { isTransient = isTransientFailure, sleep = setTimeout, random = Math.random } = options;

  /** Waits before the next attempt, or throws the error if there is none. */
  async function pause(failures: number, error: unknown): Promise<void> {
    if (failures >= backoff.attempts || !isTransient(error)) throw error;
    await sleep(delayAfter(failures, backoff, random()));
  }

  async function call<T>(info: StorageCall, run: () => Promise<T>): Promise<T> {
    if (!REPEATABLE.has(info.method)) return await run();
    for (let failures = 0; ; ) {
      try {
        return await run();
      } catch (error) {
        failures++;
        await pause(failures, error);
      }
    }
  }

  async function* walk(path: string): AsyncGenerator<FileInfo> {
    let last: string | undefined;
    for (let failures = 0; ; ) {
      try {
        for await (const file of inner.walk(path)) {
          if (last !== undefined && compareKeys(file.path, last) <= 0) continue;
          last = file.path;
          failures = 0;
          yield file;
        }
        return;
      } catch (error) {
        failures++;
        await pause(failures, error);
      }
    }
  }

  const wrapped = wrapDriver(inner, { call });
  return Object.assign(wrapped, {
    walk,
    delete: (path: string) => deleteRepeatedly(path),
  });

  async function deleteRepeatedly(path: string): Promise<void> {
    for (let failures = 0; ; ) {
      try {
        await inner.delete(path);
        return;
      } catch (error) {
        // Missing at a second attempt: the first one did remove it, only its answer was lost.
        if (failures > 0 && error instanceof PathNotFoundError) return;
        failures++;
        await pause(failures, error);
      }
    }
  }
}
