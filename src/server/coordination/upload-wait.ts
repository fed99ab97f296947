import { CancelledError } from "../../errors.ts";
import type { HashedUpload } from "../../registry/upload-hash.ts";
import type { UploadGrant } from "./coordination.ts";

/** The two things that may be heard of an upload that one has asked for. */
export interface UploadEvents {
  granted(hashed?: HashedUpload): void;
  lost(): void;
}

/**
 * Turns the two events of a claim into a promise of a grant.
 *
 * @param ask - puts the claim forward; it may be granted at once. Returns how to end it, granted or not.
 * @param signal - ends the waiting
 * @throws {CancelledError} if `signal` is aborted before the grant came
 */
export function waitForUpload(
  ask: (events: UploadEvents) => (hashed?: HashedUpload) => void,
  signal: AbortSignal,
): Promise<UploadGrant> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new CancelledError("the request ended before it could write the upload"));
      return;
    }
    const lost = new AbortController();
    let release: (hashed?: HashedUpload) => void = () => {};
    const onAbort = () => {
      release();
      reject(new CancelledError("the request ended while it waited for another that writes the same upload"));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    release = ask({
      granted: (hashed) => {
        signal.removeEventListener("abort", onAbort);
        resolve({ lost: lost.signal, hashed, release: (known) => release(known) });
      },
      lost: () => lost.abort(new CancelledError("another request took the upload over")),
    });
  });
}
