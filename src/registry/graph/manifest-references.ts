import { type Digest, digestAlgorithm, digestOf } from "../../oci/digest.ts";
import { isManifestType, type Manifest, parseManifest } from "../../oci/manifest.ts";
import { hasSmallReads } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { blobDataPath } from "../paths.ts";
import { readSmallFile } from "../small-file.ts";
import type { DigestId, DigestTable } from "./digest-table.ts";
import { PagedArray } from "./paged-array.ts";

/** Registries accept manifests of 4 MiB; older versions had no limit. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

const UNREAD = 0;
const ABSENT = 1;
const UNREADABLE = 2;
/** A state from here on is `FIRST_OFFSET` + the place in the pool. */
const FIRST_OFFSET = 3;

/** What is known of a digest that should be a manifest. */
export type ManifestState = "unread" | "absent" | "unreadable" | "read";

/**
 * What each manifest refers to, by digest number. A manifest is immutable, so it is read once in a run, in however
 * many repositories it stands; it counts only if its bytes have its digest.
 */
export class ManifestReferences {
  readonly #table: DigestTable;
  readonly #states = PagedArray.integers();
  /** For each manifest: number of blobs, of child manifests, subject + 1 (or 0), then the blobs, then the children. */
  readonly #pool = PagedArray.integers();
  #poolLength = 0;
  readonly #problems = new Map<DigestId, string>();
  /** Sizes in bytes + 1 of what manifests describe, and of the manifests read; 0 if not known. */
  readonly #sizes = PagedArray.numbers();

  constructor(table: DigestTable) {
    this.#table = table;
  }

  state(id: DigestId): ManifestState {
    const state = this.#states.get(id);
    if (state === UNREAD) return "unread";
    if (state === ABSENT) return "absent";
    return state === UNREADABLE ? "unreadable" : "read";
  }

  /** Why a manifest is unreadable, for people. */
  problem(id: DigestId): string {
    return this.#problems.get(id) ?? "";
  }

  /** @returns the size as a manifest gives it, or undefined; a claim, unless it is a manifest's own */
  describedSize(id: DigestId): number | undefined {
    const size = this.#sizes.get(id);
    return size === 0 ? undefined : size - 1;
  }

  /** Config, layers, and those entries of an index that are said to be no manifests. */
  *blobs(id: DigestId): Generator<DigestId> {
    const offset = this.#offset(id);
    if (offset === undefined) return;
    const count = this.#pool.get(offset);
    for (let index = 0; index < count; index++) yield this.#pool.get(offset + 3 + index);
  }

  /** Entries of an index that are said to be manifests. */
  *childManifests(id: DigestId): Generator<DigestId> {
    const offset = this.#offset(id);
    if (offset === undefined) return;
    const start = offset + 3 + this.#pool.get(offset);
    const count = this.#pool.get(offset + 1);
    for (let index = 0; index < count; index++) yield this.#pool.get(start + index);
  }

  subject(id: DigestId): DigestId | undefined {
    const offset = this.#offset(id);
    const subject = offset === undefined ? 0 : this.#pool.get(offset + 2);
    return subject === 0 ? undefined : subject - 1;
  }

  /** Reads a manifest unless that has been done. Never rejects: what cannot be read is `unreadable`. */
  async load(driver: StorageDriver, id: DigestId): Promise<void> {
    if (this.#states.get(id) !== UNREAD) return;
    const digest = this.#table.digestOf(id);
    try {
      const path = blobDataPath(digest);
      // An index may call any blob a manifest, and blobs can be larger than memory.
      const sizeBytes = hasSmallReads(driver) ? driver.statFileSync(path)?.sizeBytes : undefined;
      if (sizeBytes !== undefined && sizeBytes > MAX_READ_BYTES) {
        throw new Error(`its ${sizeBytes} bytes are more than any manifest has`);
      }
      const bytes = await readSmallFile(driver, path);
      if (bytes === undefined) this.#states.set(id, ABSENT);
      else this.#add(id, checked(bytes, digest), bytes.length);
    } catch (error) {
      this.addUnreadable(id, error instanceof Error ? error.message : String(error));
    }
  }

  /** Remembers that a manifest cannot be understood. */
  addUnreadable(id: DigestId, problem: string): void {
    this.#states.set(id, UNREADABLE);
    this.#problems.set(id, problem);
  }

  #add(id: DigestId, manifest: Manifest, sizeBytes: number): void {
    const children = manifest.children.filter((child) => isManifestType(child.mediaType));
    const blobs = [
      ...manifest.blobs,
      ...manifest.children.filter((child) => !isManifestType(child.mediaType)),
    ];
    const offset = this.#poolLength;
    this.#push(blobs.length);
    this.#push(children.length);
    this.#push(manifest.subject ? this.#table.intern(manifest.subject.digest) + 1 : 0);
    for (const { digest, size } of [...blobs, ...children]) {
      const reference = this.#table.intern(digest);
      this.#push(reference);
      if (size >= 0 && this.#sizes.get(reference) === 0) this.#sizes.set(reference, size + 1);
    }
    this.#sizes.set(id, sizeBytes + 1);
    this.#states.set(id, FIRST_OFFSET + offset);
  }

  #push(value: number): void {
    this.#pool.set(this.#poolLength++, value);
  }

  #offset(id: DigestId): number | undefined {
    const state = this.#states.get(id);
    return state < FIRST_OFFSET ? undefined : state - FIRST_OFFSET;
  }
}

function checked(bytes: Uint8Array, digest: Digest): Manifest {
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest) throw new Error(`its ${bytes.length} bytes have the digest ${actual}`);
  return parseManifest(bytes);
}
