import type { Digest } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import { ManifestUnknownError } from "../registry/errors.ts";
import { givingWay } from "../registry/give-way.ts";
import type { Repository } from "../registry/repository.ts";
import { ApiError } from "./api-error.ts";
import type { PinKey } from "./coordination/coordination.ts";
import type { Exchange } from "./exchange.ts";
import { holdAliases } from "./hold-aliases.ts";
import { objectKeys } from "./pin-keys.ts";
import { readManifest } from "./read-manifest.ts";
import type { ServerContext } from "./server-context.ts";

/**
 * Pins a manifest that is about to be stored with all that it relies on: its blobs and its subject, and for an index
 * its children, each pinned before it is read, down to their layers. So nothing that the manifest needs can be
 * collected between its validation and its storing.
 *
 * Indexes nested deeper than `maxIndexNesting` are left to the graph, in which they already are.
 *
 * @returns the keys, each once, to be leased when the manifest is stored
 * @throws {ApiError} MANIFEST_BLOB_UNKNOWN if the stored bytes of a child are damaged, so that it is pushed again
 */
export async function pinClosure(
  context: ServerContext,
  exchange: Exchange,
  repository: Repository,
  digest: Digest,
  manifest: Manifest,
): Promise<PinKey[]> {
  const pinned = new Set<Digest>([digest, ...referencesOf(manifest)]);
  const keys = [...pinned].flatMap((each) => objectKeys(repository.name, each));
  const held = exchange.hold(keys, "writing");
  const pin = held instanceof Promise ? await held : held;
  keys.push(...(await holdAliases(pin, repository, pinned)));
  const seen = new Set<Digest>([digest]);
  const giveWay = givingWay();
  let level = manifest.children.map((child) => child.digest);
  for (let depth = 0; depth < context.limits.maxIndexNesting && level.length > 0; depth++) {
    const next: Digest[] = [];
    for (const child of level) {
      if (seen.has(child)) continue;
      seen.add(child);
      await giveWay();
      const childManifest = await readChild(context, repository, child);
      if (childManifest === undefined) continue;
      const found = referencesOf(childManifest).filter((each) => !pinned.has(each));
      const foundKeys = found.flatMap((each) => objectKeys(repository.name, each));
      const extended = pin.extend(foundKeys);
      if (extended instanceof Promise) await extended;
      keys.push(...(await holdAliases(pin, repository, found)));
      for (const each of found) pinned.add(each);
      for (const key of foundKeys) keys.push(key);
      next.push(...childManifest.children.map((grandchild) => grandchild.digest));
    }
    level = next;
  }
  return keys;
}

function referencesOf(manifest: Manifest): Digest[] {
  const digests = new Set([...manifest.blobs, ...manifest.children].map((descriptor) => descriptor.digest));
  if (manifest.subject) digests.add(manifest.subject.digest);
  return [...digests];
}

/** A child that is missing, or a layer that an index lists, has nothing below it; validation judges it. */
async function readChild(
  context: ServerContext,
  repository: Repository,
  digest: Digest,
): Promise<Manifest | undefined> {
  try {
    return (await readManifest(context, repository, digest)).manifest;
  } catch (error) {
    if (!(error instanceof ManifestUnknownError)) throw error;
    if (error.cause === undefined) return undefined;
    throw new ApiError("MANIFEST_BLOB_UNKNOWN", { detail: { digest }, cause: error });
  }
}
