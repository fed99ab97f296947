import { type Digest, digestAlgorithm } from "../oci/digest.ts";
import type { Repository } from "../registry/repository.ts";
import type { Pin, PinKey } from "./coordination/coordination.ts";
import { objectKeys } from "./pin-keys.ts";

/**
 * Pins the bytes of blobs that are stored under another digest than their own, as the Go registry does with what it
 * gets under another one than SHA-256. To be called when the pin holds the blobs themselves.
 *
 * @returns the keys, to be leased with the others
 */
export async function holdAliases(
  pin: Pin,
  repository: Repository,
  digests: Iterable<Digest>,
): Promise<PinKey[]> {
  const keys: PinKey[] = [];
  for (const digest of digests) {
    if (digestAlgorithm(digest) === "sha256") continue;
    const stored = await repository.blobs.storedDigest(digest);
    if (stored !== undefined && stored !== digest) keys.push(...objectKeys(repository.name, stored));
  }
  if (keys.length === 0) return keys;
  const extended = pin.extend(keys);
  if (extended instanceof Promise) await extended;
  return keys;
}
