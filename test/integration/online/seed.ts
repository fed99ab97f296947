import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../../src/registry/paths.ts";
import type { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import type { ManifestContent } from "./contents.ts";

/** Stores a manifest with all that it refers to, as if it had been pushed long ago. */
export async function seedManifest(
  store: MemoryDriver,
  repository: string,
  manifest: ManifestContent,
  tag?: string,
): Promise<void> {
  const link = (path: string, digest: string): Promise<void> => store.put(path, Buffer.from(digest));
  for (const { digest, bytes } of manifest.blobs) {
    await store.put(blobDataPath(digest), bytes);
    await link(layerLinkPath(repository, digest), digest);
  }
  for (const child of manifest.children) await seedManifest(store, repository, child);
  const { digest, bytes } = manifest;
  await store.put(blobDataPath(digest), bytes);
  await link(revisionLinkPath(repository, digest), digest);
  if (tag === undefined) return;
  await link(tagHistoryLinkPath(repository, tag, digest), digest);
  await link(tagCurrentLinkPath(repository, tag), digest);
}
