import { DigestMismatchError } from "../errors.ts";
import { forEachConcurrently } from "../lib/for-each-concurrently.ts";
import { mapInOrder } from "../lib/map-in-order.ts";
import { type Digest, digestAlgorithm, digestOf } from "../oci/digest.ts";
import { type Manifest, parseManifest } from "../oci/manifest.ts";
import { isForeignLayer } from "../oci/media-types.ts";
import type { StorageDriver } from "../storage/driver.ts";
import type { BlobStore } from "./blob-store.ts";
import type { ChangeWatcher } from "./change-watcher.ts";
import { ManifestUnknownError } from "./errors.ts";
import { givingWay } from "./give-way.ts";
import { writeLink } from "./link.ts";
import { listRevisions, revisionFolders } from "./list-revisions.ts";
import type { ManifestCache, StoredManifest } from "./manifest-cache.ts";
import { blobDataPath, revisionFolderPath, revisionLinkPath } from "./paths.ts";
import { isRemote } from "./remote-store.ts";
import { deleteIfThere, fileSizeBytes, readSmallFile, removeIfEmpty } from "./small-file.ts";
import type { TagStore } from "./tag-store.ts";

/** So many references of one manifest are looked up at a time. */
const LOOKUPS_AT_ONCE = 16;

/** A manifest to be stored. */
export interface ManifestInput {
  bytes: Uint8Array;
  /** The digest of `bytes`. */
  digest: Digest;
  /** What `bytes` say. */
  manifest: Manifest;
  /** Tags that are to point to it, possibly none. */
  tags: readonly string[];
}

/**
 * The manifests of one repository: those that a revision link of it names. Only that the link exists counts, since its
 * path tells the digest: links that a crash left empty do no harm.
 */
export class ManifestStore {
  readonly #driver: StorageDriver;
  readonly #repository: string;
  readonly #blobs: BlobStore;
  readonly #tags: TagStore;
  readonly #cache: ManifestCache;
  readonly #watcher: ChangeWatcher | undefined;

  constructor(
    driver: StorageDriver,
    repository: string,
    parts: { blobs: BlobStore; tags: TagStore; cache: ManifestCache; watcher?: ChangeWatcher | undefined },
  ) {
    this.#driver = driver;
    this.#repository = repository;
    this.#blobs = parts.blobs;
    this.#tags = parts.tags;
    this.#cache = parts.cache;
    this.#watcher = parts.watcher;
  }

  /** @returns the size of a manifest, always from the store; undefined unless both the link and the data exist */
  async sizeBytes(digest: Digest): Promise<number | undefined> {
    return (await this.isLinked(digest))
      ? await fileSizeBytes(this.#driver, blobDataPath(digest))
      : undefined;
  }

  /** Tells whether the repository has a revision link for a manifest; the data may be missing. */
  async isLinked(digest: Digest): Promise<boolean> {
    return (await fileSizeBytes(this.#driver, revisionLinkPath(this.#repository, digest))) !== undefined;
  }

  /**
   * Reads a manifest. Its bytes come from memory if they were read before; that it still belongs to the repository is
   * asked of the store each time.
   *
   * @throws {ManifestUnknownError} if the link or the data is missing
   * @throws {DigestMismatchError} if the stored bytes are damaged; they are never given out
   * @throws {InvalidManifestError} if the stored bytes are no manifest that we know
   */
  async get(digest: Digest): Promise<StoredManifest> {
    if (!(await this.isLinked(digest))) throw new ManifestUnknownError(this.#repository, digest);
    const cached = this.#cache.get(digest);
    if (cached !== undefined) return cached;
    const bytes = await readSmallFile(this.#driver, blobDataPath(digest));
    if (bytes === undefined) throw new ManifestUnknownError(this.#repository, digest);
    checkDigest(bytes, digest);
    const manifest = parseManifest(bytes);
    const stored = { digest, mediaType: manifest.mediaType, bytes, manifest };
    this.#cache.set(digest, stored);
    return stored;
  }

  /**
   * Stores a manifest and then points tags to it: data, revision link, and for each tag its history link and its current
   * link, each durable before the next is written; so a crash leaves at worst garbage. Everything is written even if it
   * exists, which mends damaged data and shows the collector that the manifest was needed just now. Whether the manifest
   * is allowed and complete is the caller's to check.
   *
   * @throws {DigestMismatchError} with nothing written, if `bytes` do not have `digest`
   * @throws {InvalidReferenceError} with nothing written, if a tag is not one
   */
  async put(input: ManifestInput): Promise<void> {
    const { bytes, digest, tags } = input;
    checkDigest(bytes, digest);
    for (const tag of tags) this.#tags.check(tag);
    await this.#driver.put(blobDataPath(digest), bytes);
    await writeLink(this.#driver, revisionLinkPath(this.#repository, digest), digest);
    for (const tag of tags) await this.#tags.set(tag, digest);
  }

  /**
   * Looks up what a manifest refers to, always in the store: its config and layers among the blobs of the repository,
   * but not layers that are fetched elsewhere, and the entries of an index among its manifests or, as caches of BuildKit
   * list layers there, its blobs. The subject may be missing.
   *
   * @returns the stored size in bytes of each digest, in the order of the manifest; undefined where it is missing
   */
  async sizesOfReferences(manifest: Manifest): Promise<Map<Digest, number | undefined>> {
    const sizes = new Map<Digest, number | undefined>();
    const blobs = new Set<Digest>();
    for (const { digest, mediaType } of manifest.blobs) if (!isForeignLayer(mediaType)) blobs.add(digest);
    for (const digest of blobs) sizes.set(digest, undefined);
    for (const { digest } of manifest.children) sizes.set(digest, undefined);
    const giveWay = givingWay();
    await forEachConcurrently([...sizes.keys()], LOOKUPS_AT_ONCE, async (digest) => {
      await giveWay();
      const asManifest = blobs.has(digest) ? undefined : await this.sizeBytes(digest);
      sizes.set(digest, asManifest ?? (await this.#blobs.sizeBytes(digest)));
    });
    return sizes;
  }

  /**
   * Removes a manifest from the repository: first the tags that point to it, then its revision link. The data stays for
   * the collector, and so do history links of tags that now point elsewhere.
   *
   * @returns the tags that were removed
   * @throws {ManifestUnknownError} if there is no revision link
   */
  async delete(digest: Digest): Promise<{ untagged: string[] }> {
    if (!(await this.isLinked(digest))) throw new ManifestUnknownError(this.#repository, digest);
    const untagged: string[] = [];
    for (const tag of await this.#tags.pointingTo(digest)) {
      if (await this.#tags.deleteIfPointingTo(tag, digest)) untagged.push(tag);
    }
    const wasThere = await deleteIfThere(this.#driver, revisionLinkPath(this.#repository, digest));
    if (!wasThere) throw new ManifestUnknownError(this.#repository, digest);
    this.#watcher?.manifestDeleted(digest);
    // Only the manifest's own folder: the Go registry's collector goes wrong if `revisions` or `tags` are missing.
    await removeIfEmpty(this.#driver, revisionFolderPath(this.#repository, digest));
    return { untagged };
  }

  /** All manifests that have a revision link, in byte order of their digests; none if the repository does not exist. */
  async *list(): AsyncGenerator<Digest> {
    const folders = await revisionFolders(this.#driver, this.#repository);
    const digests = await listRevisions(this.#driver, folders);
    const looks = mapInOrder(digests, isRemote(this.#driver) ? LOOKUPS_AT_ONCE - 1 : 0, async (digest) => ({
      digest,
      found: await this.isLinked(digest),
    }));
    for await (const { digest, found } of looks) if (found) yield digest;
  }
}

function checkDigest(bytes: Uint8Array, digest: Digest): void {
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest) throw new DigestMismatchError(digest, actual, "manifest");
}
