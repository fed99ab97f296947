import { createHash } from "node:crypto";
import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { type Digest, digestAlgorithm, digestFromHex, digestOf } from "../../oci/digest.ts";
import { canCopyFrom } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { readSmallFile } from "../small-file.ts";
import { type CopyContext, type CopyOutcome, MAX_PASSED_BYTES, MAX_WHOLE_BYTES } from "./copy-context.ts";
import { readChunks } from "./read-chunks.ts";

/** What is copied by {@link copyBlob}. */
export interface BlobCopy {
  /** What the bytes must be: others are never written. undefined: nothing is known of them. */
  digest: Digest | undefined;
  /** The path at the source. */
  from: string;
  /** The path at the target. */
  to: string;
  /** As the source's listing tells it; undefined: not known. */
  sizeBytes: number | undefined;
}

/**
 * Copies one file of any size, a blob above all. Its bytes are hashed on their way, and nothing is written unless they
 * have the digest; so that a disturbed transfer is not taken for a damaged blob, they are read a second time before that
 * is said.
 *
 * Where the target copies a file of more than 64 KiB from the source by itself, the bytes do not come by here and **their digest is not checked**:
 * only size and ETag are, by the store. What was damaged at the source then is so at the target, until a comparison with
 * checksums finds it.
 *
 * @throws {CancelledError}
 * @throws {StorageFullError}
 * @throws {StorageUnavailableError}
 */
export async function copyBlob(
  source: StorageDriver,
  target: StorageDriver,
  blob: BlobCopy,
  context: CopyContext,
): Promise<CopyOutcome> {
  try {
    if (!context.hashesAll && (await copiesItself(source, target, blob)))
      return { kind: "copied", sizeBytes: blob.sizeBytes ?? 0, serverSide: true };
    const isSmall = blob.sizeBytes !== undefined && blob.sizeBytes <= MAX_WHOLE_BYTES;
    const copy = isSmall ? copyWhole : copyStream;
    const outcome = await copy(source, target, blob, context);
    return outcome.kind === "damaged" ? await copy(source, target, blob, context) : outcome;
  } catch (error) {
    if (error instanceof PathNotFoundError && error.path === blob.from) return { kind: "vanished" };
    throw error;
  }
}

async function copiesItself(
  source: StorageDriver,
  target: StorageDriver,
  { from, to, sizeBytes = 0 }: BlobCopy,
): Promise<boolean> {
  if (sizeBytes <= MAX_PASSED_BYTES || !canCopyFrom(target)) return false;
  return target.copyFrom(source, from, to, sizeBytes);
}

async function copyWhole(
  source: StorageDriver,
  target: StorageDriver,
  { digest, from, to, sizeBytes }: BlobCopy,
  context: CopyContext,
): Promise<CopyOutcome> {
  if (context.spend) await context.spend(sizeBytes ?? 0);
  if (context.signal.aborted) throw new CancelledError();
  const bytes = await readSmallFile(source, from, 2 * MAX_WHOLE_BYTES);
  if (bytes === undefined) return { kind: "vanished" };
  if (digest !== undefined) {
    const actual = digestOf(bytes, digestAlgorithm(digest));
    if (actual !== digest) return damaged(actual, bytes.length);
  }
  await target.put(to, bytes);
  return { kind: "copied", sizeBytes: bytes.length, serverSide: false };
}

async function copyStream(
  source: StorageDriver,
  target: StorageDriver,
  { digest, from, to, sizeBytes }: BlobCopy,
  { signal, spend }: CopyContext,
): Promise<CopyOutcome> {
  const algorithm = digest && digestAlgorithm(digest);
  const hash = algorithm && createHash(algorithm);
  const writer = await target.openWriter(to, { expectedBytes: sizeBytes, signal });
  try {
    for await (const chunk of readChunks(source, from, signal)) {
      if (spend) await spend(chunk.length);
      hash?.update(chunk);
      await writer.write(chunk);
    }
    const actual = algorithm && hash && digestFromHex(algorithm, hash.digest("hex"));
    if (actual !== digest) {
      const outcome = damaged(actual ?? "", writer.sizeBytes);
      await writer.cancel();
      return outcome;
    }
    await writer.commit();
    return { kind: "copied", sizeBytes: writer.sizeBytes, serverSide: false };
  } catch (error) {
    await writer.cancel().catch(() => undefined);
    throw error;
  }
}

function damaged(actual: string, sizeBytes: number): CopyOutcome {
  return { kind: "damaged", why: `its ${sizeBytes} bytes have the digest ${actual}` };
}
