import { StorageUnavailableError } from "../../errors.ts";
import { type ObjectHead, openObject } from "./s3-reads.ts";
import type { S3Store } from "./s3-store.ts";
import { sdkRefusalOf } from "./sdk-refusal.ts";
import { openS3Writer } from "./writers/open-writer.ts";

/** Whether a store has said that it cannot copy this: Ceph's gateway cannot copy what is encrypted with a key of KMS. */
export function isCopyImpossible(error: unknown): boolean {
  const refusal = sdkRefusalOf(error);
  return refusal !== undefined && (refusal.status === 501 || refusal.code === "NotImplemented");
}

/** Copies an object by reading and writing it here. Nothing is visible at `to` before all of it is there. */
export async function copyThrough(store: S3Store, source: ObjectHead, to: string): Promise<void> {
  const body = await openObject(store, source.path, {});
  try {
    const writer = await openS3Writer(store, to, { expectedBytes: source.sizeBytes });
    try {
      for await (const chunk of body) await writer.write(chunk);
      if (writer.sizeBytes !== source.sizeBytes) {
        throw new StorageUnavailableError(`s3: ${source.path} has changed while it was copied`, {
          hint: "try again, and look who else writes to the bucket if it happens again",
        });
      }
      await writer.commit();
    } catch (error) {
      await writer.cancel().catch(() => undefined);
      throw error;
    }
  } finally {
    body.destroy();
  }
}
