import type { ConnectionTimeouts } from "./connection-pools.ts";
import type { S3Request } from "./s3-lane.ts";

/**
 * What a link, most manifests and the request of a listing stay below. Hundreds of such bodies at a time get through a slow
 * network while their requests wait; the time that a body takes on its way counts.
 */
const MAX_QUICK_BODY_BYTES = 64 * 1024;
/** Some hundred keys, which no store works at for long. */
const MAX_QUICK_REMOVAL_BYTES = 32 * 1024;
/** So many times a patient request waits as long as any may. */
const PATIENT_ATTEMPTS = 2;
/** Less than this part of the whole time is not worth an attempt. */
const LEAST_SHARE = 1 / 25;

/**
 * Tells whether a store does what is asked at once, so that there is no use in waiting for long. It may work for minutes at
 * the removal of a thousand objects or a copy, and large bodies take their time on the way.
 */
export function isQuick({ method, query = {}, headers = {}, body, isPatient }: S3Request): boolean {
  if (isPatient) return false;
  if ((method === "POST" && "uploadId" in query) || "x-amz-copy-source" in headers) return false;
  const isRemoval = method === "POST" && "delete" in query;
  return (body?.length ?? 0) <= (isRemoval ? MAX_QUICK_REMOVAL_BYTES : MAX_QUICK_BODY_BYTES);
}

/**
 * How long all attempts of a request together may wait for the head of an answer: clients wait for us meanwhile. Pauses that
 * the store asks for do not count.
 */
export class SilenceBudget {
  readonly #headMs: number;
  #leftMs: number;
  readonly #leastMs: number;
  #startedMs = 0;

  constructor(request: S3Request, timeouts: ConnectionTimeouts) {
    const quick = isQuick(request);
    this.#headMs = quick ? Math.min(timeouts.headersMs, timeouts.quickHeadersMs) : timeouts.headersMs;
    const patientMs = request.isPatient ? PATIENT_ATTEMPTS * timeouts.headersMs : Number.POSITIVE_INFINITY;
    this.#leftMs = quick ? timeouts.quickTotalMs : patientMs;
    this.#leastMs = Number.isFinite(this.#leftMs) ? this.#leftMs * LEAST_SHARE : 0;
  }

  /** Begins an attempt. @returns how long it may wait from now on; undefined: as long as its body takes, and then as any */
  begin(): number | undefined {
    this.#startedMs = performance.now();
    return Number.isFinite(this.#leftMs) ? Math.min(this.#headMs, this.#leftMs) : undefined;
  }

  /** Ends an attempt that has failed. A body that was slow before it broke off counts no more than its head may. */
  end(): void {
    if (this.#startedMs > 0) this.#leftMs -= Math.min(this.#headMs, performance.now() - this.#startedMs);
    this.#startedMs = 0;
  }

  /** No time is left for another attempt. */
  get isSpent(): boolean {
    return this.#leftMs <= this.#leastMs;
  }
}
