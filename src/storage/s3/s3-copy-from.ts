import { isDeepStrictEqual } from "node:util";
import { PathNotFoundError, StorageUnavailableError } from "../../errors.ts";
import { callS3 } from "./s3-call.ts";
import { copyObject } from "./s3-copy.ts";
import { headObject } from "./s3-reads.ts";
import type { S3Store } from "./s3-store.ts";
import { sdkRefusalOf } from "./sdk-refusal.ts";

/** After so many refusals in a row it is not asked again for a copy from a store. */
const MAX_REFUSALS = 3;

/** Copies objects of other buckets, or from below other root directories, inside the service that holds both. */
export class CopiesFromStores {
  readonly #target: S3Store;
  readonly #refusals = new WeakMap<S3Store, number>();

  constructor(target: S3Store) {
    this.#target = target;
  }

  /**
   * Asks the service for a copy, with the target's key: it must be allowed to read the source.
   *
   * @param sizeBytes - which the object must have
   * @returns false, with nothing done, if the service has refused, or does not hold both
   * @throws {PathNotFoundError} if there is no object at `from`
   */
  async copy(source: S3Store, from: string, to: string, sizeBytes: number): Promise<boolean> {
    if (!isSameService(source, this.#target)) return false;
    if (
      source.settings.bucket === this.#target.settings.bucket &&
      source.keyOf(from) === this.#target.keyOf(to)
    )
      return false;
    const refusals = this.#refusals.get(source) ?? 0;
    if (refusals >= MAX_REFUSALS) return false;
    // By the source's own key. A bucket of that name may be another one to the target's key, on a service whose tenants
    // name theirs freely; there the ETag that goes with the request is that of no object, and the copy is refused.
    const object = await headObject(source, from);
    if (object === undefined) throw new PathNotFoundError("s3", from);
    if (object.sizeBytes !== sizeBytes || object.etag === "") throw changed(from);
    const isCopied = await callS3(this.#target, "copy to", to, async () => {
      try {
        await copyObject(this.#target, { store: source, object }, to);
        return true;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return false;
      }
    });
    this.#refusals.set(source, isCopied ? 0 : refusals + 1);
    return isCopied;
  }
}

/** Whether requests for both buckets go to the same place. The keys that they are signed with may differ. */
function isSameService(one: S3Store, other: S3Store): boolean {
  return isDeepStrictEqual(placeOf(one), placeOf(other));
}

function placeOf({ settings }: S3Store): unknown {
  const { endpoint, region } = settings;
  // Which region a compatible server is said to have is only signed with.
  return endpoint === "" ? { region } : { endpoint: new URL(endpoint).origin };
}

/** Whether the store has understood and does not do it: want of rights, another object, a key of KMS it cannot copy with. */
function isRefusal(error: unknown): boolean {
  const refusal = sdkRefusalOf(error);
  return refusal !== undefined && REFUSED.has(refusal.status);
}

const REFUSED: ReadonlySet<number> = new Set([400, 403, 404, 405, 412, 501]);

function changed(from: string): StorageUnavailableError {
  return new StorageUnavailableError(`s3: ${from} has changed since it was listed`, {
    hint: "try again, and look who else writes to the bucket if it happens again",
  });
}
