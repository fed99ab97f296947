import { DigestMismatchError, RegistryStateError } from "../errors.ts";
import { messageOf } from "../lib/message-of.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { InvalidManifestError, isManifestType, type Manifest } from "../oci/manifest.ts";
import { isForeignLayer } from "../oci/media-types.ts";
import type { TagBefore } from "./change-watcher.ts";
import { ManifestUnknownError } from "./errors.ts";
import { givingWay } from "./give-way.ts";
import type { Repository } from "./repository.ts";

/** Something that a manifest needs and that cannot be pulled from its repository as it should be. */
export interface MissingReference {
  digest: Digest;
  /** The manifest that refers to it. */
  of: Digest;
  /** `manifest`: an entry of an index; `blob`: a config or a layer. */
  kind: "manifest" | "blob";
  /** What is wrong with it, such as `it is not in the repository`. */
  problem: string;
}

/**
 * Looks, always in the store, whether all that a manifest needs is there: its config and layers with their links in the
 * repository, and of an index its manifests at any depth, with theirs. What clients fetch elsewhere, and the subject, need not be
 * there.
 *
 * @param digest - of the manifest, which need not be stored
 * @returns what lacks; empty: the manifest can be pulled
 */
export async function findMissingReferences(
  repository: Repository,
  digest: Digest,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<MissingReference[]> {
  const missing: MissingReference[] = [];
  const seen = new Set<Digest>([digest]);
  const giveWay = givingWay();
  const waiting: { digest: Digest; manifest: Manifest }[] = [{ digest, manifest }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    signal?.throwIfAborted();
    await giveWay();
    const lacking = await lookAtReferences(repository, next);
    missing.push(...lacking);
    for (const child of next.manifest.children) {
      if (seen.has(child.digest) || lacking.some((each) => each.digest === child.digest)) continue;
      seen.add(child.digest);
      const found = await readChild(repository, child);
      if (typeof found === "string")
        missing.push({ digest: child.digest, of: next.digest, kind: "manifest", problem: found });
      else if (found) waiting.push({ digest: child.digest, manifest: found });
    }
  }
  return missing;
}

async function lookAtReferences(
  repository: Repository,
  { digest: of, manifest }: { digest: Digest; manifest: Manifest },
): Promise<MissingReference[]> {
  const sizes = await repository.manifests.sizesOfReferences(manifest);
  const missing = new Map<Digest, MissingReference>();
  const add = (kind: MissingReference["kind"], digest: Digest, problem: string): void =>
    void missing.set(digest, { digest, of, kind, problem });
  for (const kind of ["manifest", "blob"] as const) {
    for (const { digest, size, mediaType } of kind === "manifest" ? manifest.children : manifest.blobs) {
      const sizeBytes = sizes.get(digest);
      if (!sizes.has(digest)) continue;
      if (sizeBytes === undefined) add(kind, digest, "it is not in the repository");
      else if (sizeBytes !== size && !isForeignLayer(mediaType) && manifest.kind !== "schema1")
        add(kind, digest, `it has ${sizeBytes} bytes, and should have ${size}`);
    }
  }
  return [...missing.values()];
}

/** @returns undefined for a layer that an index lists, which has nothing below it; a text: what is wrong with it */
async function readChild(
  repository: Repository,
  { digest, mediaType }: Descriptor,
): Promise<Manifest | string | undefined> {
  try {
    return (await repository.manifests.get(digest)).manifest;
  } catch (error) {
    if (error instanceof ManifestUnknownError) {
      return isManifestType(mediaType) ? "it is no manifest of the repository" : undefined;
    }
    if (error instanceof DigestMismatchError || error instanceof InvalidManifestError)
      return `it is damaged: ${error.message}`;
    throw error;
  }
}

/** @returns why no tag may point to a manifest: the repository does not have it, or its bytes are damaged */
export function manifestGone(repository: string, digest: Digest, damage?: unknown): RegistryStateError {
  const why = damage === undefined ? "it was never pushed there, or is collected" : messageOf(damage);
  return new RegistryStateError(`repository ${repository} has no manifest ${digest}: ${why}`, {
    hint: "registry-ctl manifests list tells which there are",
  });
}

/** @returns why a tag is left as it is: somebody has changed it since it was looked at */
export function tagMoved(repository: string, tag: string, now: TagBefore): RegistryStateError {
  const what = now === "none" ? "is gone" : now === "unreadable" ? "has a broken link" : `points to ${now}`;
  return new RegistryStateError(`${repository}:${tag} ${what} by now: it is left as it is`, {
    hint: "look again, and decide anew",
  });
}

/** So many things that lack are named. */
const MAX_NAMED = 20;

/** @returns why no tag may point to a manifest: what of it cannot be pulled */
export function incompleteManifest(
  repository: string,
  digest: Digest,
  missing: readonly MissingReference[],
): RegistryStateError {
  const named = missing
    .slice(0, MAX_NAMED)
    .map(
      (each) => `${each.kind} ${each.digest}${each.of === digest ? "" : ` of ${each.of}`}: ${each.problem}`,
    );
  if (missing.length > MAX_NAMED) named.push(`and ${missing.length - MAX_NAMED} more`);
  return new RegistryStateError(
    `manifest ${digest} of ${repository} cannot be pulled as it is: ${named.join("; ")}`,
    { hint: "choose another digest, or push the image again" },
  );
}
