import { LRUCache } from "lru-cache";
import type { Digest } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";

/** A manifest as it is stored. */
export interface StoredManifest {
  digest: Digest;
  /** The type under which it is served. */
  mediaType: string;
  /** Exactly what was pushed. Shared with others: not to be changed. */
  bytes: Uint8Array;
  /** What the bytes say. Shared with others: not to be changed. */
  manifest: Manifest;
}

/** Manifests by digest. Each entry's bytes have been found to have its digest. */
export interface ManifestCache {
  get(digest: Digest): StoredManifest | undefined;
  set(digest: Digest, manifest: StoredManifest): void;
  clear(): void;
}

/** A parsed descriptor with its strings, roughly. */
const DESCRIPTOR_BYTES = 400;

/** The text of annotations is held a second time, in what the bytes were parsed to. */
const COPIES = 2;

/** Objects around the bytes of a manifest, roughly. */
const ENTRY_BYTES = 1024;

/** @param maxBytes - how much memory all entries may take, roughly; 0 remembers nothing */
export function createManifestCache(maxBytes: number): ManifestCache {
  if (maxBytes <= 0) return { get: () => undefined, set: () => {}, clear: () => {} };
  const cache = new LRUCache<Digest, StoredManifest>({ maxSize: maxBytes, sizeCalculation: weigh });
  return {
    get: (digest) => cache.get(digest),
    set: (digest, manifest) => void cache.set(digest, manifest),
    clear: () => cache.clear(),
  };
}

function weigh({ bytes, manifest }: StoredManifest): number {
  return (
    ENTRY_BYTES +
    COPIES * bytes.length +
    DESCRIPTOR_BYTES * (manifest.blobs.length + manifest.children.length)
  );
}
