import { messageOf } from "../../lib/message-of.ts";
import { type Digest, digestAlgorithm, digestOf } from "../../oci/digest.ts";
import { isManifestType, type Manifest, parseManifest } from "../../oci/manifest.ts";
import { isForeignLayer } from "../../oci/media-types.ts";
import type { DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import { blobDataPath } from "../../registry/paths.ts";
import { readSmallFile } from "../../registry/small-file.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { FindingLog } from "./finding-log.ts";
import type { StoredBlobs } from "./stored-blobs.ts";
import type { UncheckedLog } from "./unchecked-log.ts";

/** Registries accept manifests of 4 MiB; older versions had no limit. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

const UNREAD = 0;
const UNREADABLE = 1;
/** A state from here on is `FIRST_OFFSET` + the place in the pool. */
const FIRST_OFFSET = 2;

/** As what a manifest refers to something. */
export const REFERENCE = {
  /** A config or layer, fetched as a blob. */
  blob: 1,
  /** A layer that is fetched elsewhere, from the addresses that the manifest gives. */
  foreign: 2,
  /** An entry of an index that is a manifest. */
  child: 3,
  /** An entry of an index that is none, such as a layer of a build cache. */
  entry: 4,
  /** The manifest that this one is about; it may be missing. */
  subject: 5,
} as const;

/** What the manifests that were read refer to, with sizes; each manifest is read once, in however many repositories. */
export class ManifestContents {
  readonly #driver: StorageDriver;
  readonly #table: DigestTable;
  readonly #parts: { blobs: StoredBlobs; findings: FindingLog; unchecked: UncheckedLog };
  readonly #states = PagedArray.integers();
  /** For each manifest the number of its references, then those; kinds and sizes at the same places. */
  readonly #ids = PagedArray.integers();
  readonly #kinds = PagedArray.bytes();
  readonly #sizes = PagedArray.numbers();
  #length = 0;
  /** Those that are being read: repositories that are read at the same time have some in common. */
  readonly #loading = new Map<DigestId, Promise<void>>();

  constructor(
    driver: StorageDriver,
    table: DigestTable,
    parts: { blobs: StoredBlobs; findings: FindingLog; unchecked: UncheckedLog },
  ) {
    this.#driver = driver;
    this.#table = table;
    this.#parts = parts;
  }

  /** Tells whether {@link ManifestContents.forEachReference} gives anything: it was read, is sound and understood. */
  isRead(id: DigestId): boolean {
    return this.#states.get(id) >= FIRST_OFFSET;
  }

  /**
   * Calls back with each reference in the order of the manifest, config first.
   *
   * @param visit - is given one of {@link REFERENCE}, and size -1 if the manifest does not say
   */
  forEachReference(
    id: DigestId,
    visit: (reference: DigestId, kind: number, sizeBytes: number) => void,
  ): void {
    const state = this.#states.get(id);
    if (state < FIRST_OFFSET) return;
    const offset = state - FIRST_OFFSET;
    const end = offset + this.#ids.get(offset);
    for (let index = offset + 1; index <= end; index++) {
      visit(this.#ids.get(index), this.#kinds.get(index), this.#sizes.get(index));
    }
  }

  /** Reads a manifest unless that has been done. Never rejects: what is wrong with it becomes a finding. */
  async load(id: DigestId): Promise<void> {
    if (this.#states.get(id) !== UNREAD) return this.#loading.get(id);
    this.#states.set(id, UNREADABLE);
    const loading = this.#read(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    await loading;
  }

  async #read(id: DigestId): Promise<void> {
    const size = await this.#parts.blobs.size(id);
    // Missing is told by who needs it, as the link that leads to it may be wrong instead.
    if (typeof size !== "number") return;
    if (size > MAX_MANIFEST_BYTES) {
      this.#invalid(id, `its ${size} bytes are more than any manifest has`);
      return;
    }
    const digest = this.#table.digestOf(id);
    const path = blobDataPath(digest);
    let bytes: Uint8Array | undefined;
    try {
      bytes = await readSmallFile(this.#driver, path);
    } catch (error) {
      this.#parts.unchecked.add(path, error);
      return;
    }
    if (bytes) this.#add(id, digest, bytes);
    else this.#parts.findings.addForDigest("missing-manifest", id, () => `manifest ${digest} is not stored`);
  }

  #add(id: DigestId, digest: Digest, bytes: Uint8Array): void {
    const actual = digestOf(bytes, digestAlgorithm(digest));
    if (actual !== digest) {
      this.#parts.findings.addForDigest(
        "wrong-digest",
        id,
        () => `the ${bytes.length} bytes stored for ${digest} have the digest ${actual}`,
      );
      return;
    }
    try {
      this.#remember(id, parseManifest(bytes));
    } catch (error) {
      this.#invalid(id, messageOf(error));
    }
  }

  #invalid(id: DigestId, reason: string): void {
    this.#parts.findings.addForDigest(
      "invalid-manifest",
      id,
      () => `manifest ${this.#table.digestOf(id)} cannot be understood: ${reason}`,
    );
  }

  #remember(id: DigestId, manifest: Manifest): void {
    const offset = this.#length++;
    for (const { digest, size, mediaType, urls = [] } of manifest.blobs) {
      // Without an address a client asks the registry for a foreign layer too.
      const isElsewhere = isForeignLayer(mediaType) && urls.length > 0;
      this.#push(digest, isElsewhere ? REFERENCE.foreign : REFERENCE.blob, size);
    }
    for (const { digest, size, mediaType } of manifest.children) {
      this.#push(digest, isManifestType(mediaType) ? REFERENCE.child : REFERENCE.entry, size);
    }
    if (manifest.subject) this.#push(manifest.subject.digest, REFERENCE.subject, manifest.subject.size);
    this.#ids.set(offset, this.#length - offset - 1);
    this.#states.set(id, FIRST_OFFSET + offset);
  }

  #push(digest: Digest, kind: number, size: number): void {
    const index = this.#length++;
    this.#ids.set(index, this.#table.intern(digest));
    this.#kinds.set(index, kind);
    this.#sizes.set(index, size);
  }
}
