import { messageOf } from "../../lib/message-of.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { blobDataPath } from "../paths.ts";
import { readSmallFile } from "../small-file.ts";
import { MAX_MANIFEST_READ_BYTES, parseStored } from "../threads/read-manifests.ts";
import type { DigestId, DigestTable } from "./digest-table.ts";
import { encodeManifestRecord } from "./manifest-record.ts";
import { type AlgorithmCode, FIRST_OWN_TYPE } from "./manifest-record-layout.ts";
import { MediaTypeNames, NO_TYPE, OTHER_TYPE } from "./media-type-codes.ts";
import { PagedArray } from "./paged-array.ts";
import {
  type ManifestRecordVisitor,
  type ReferenceVisitor,
  readManifestRecord,
} from "./read-manifest-record.ts";

const UNREAD = 0;
const ABSENT = 1;
const UNREADABLE = 2;
/** Known from an earlier run; counts as unread until somebody asks for it. */
const REMEMBERED = 3;
const REMEMBERED_AND_USED = 4;
const READ = 5;

/** Numbers in the pool before the references of a manifest. */
const HEADER_NUMBERS = 5;
const TWO_32 = 0x1_0000_0000;

/** What is known of a digest that should be a manifest. */
export type ManifestState = "unread" | "absent" | "unreadable" | "read";

/**
 * What each manifest refers to, by digest number. A manifest is immutable, so it is read once in a run, in however
 * many repositories it stands, or not at all if an earlier run has; it counts only if its bytes have its digest.
 */
export class ManifestReferences {
  readonly #table: DigestTable;
  readonly #states = PagedArray.bytes();
  /** Place of each manifest in the pool. */
  readonly #offsets = PagedArray.integers();
  /**
   * For each manifest: number of blobs, of child manifests, subject + 1 (or 0), the sum of the layers' sizes (the low half;
   * twice the high half, + 1 for an image), then the blobs, then the children.
   */
  readonly #pool = PagedArray.integers();
  #poolLength = 0;
  readonly #problems = new Map<DigestId, string>();
  /** Those that are being read: repositories that are read at the same time have some in common. */
  readonly #loading = new Map<DigestId, Promise<void>>();
  /** Sizes in bytes + 1 of what manifests describe, and of the manifests read; 0 if not known. */
  readonly #sizes = PagedArray.numbers();
  /** Numbers of media types. */
  readonly #types = PagedArray.bytes();
  readonly #typeNames = new MediaTypeNames();
  readonly #recordVisitor: ManifestRecordVisitor;
  /** Of the record that is being read: the manifest's size and type, and the types that it names itself. */
  #sizeBytes = 0;
  #type = NO_TYPE;
  readonly #ownTypes: number[] = [];
  readonly #counts = { read: 0, remembered: 0, used: 0, absent: 0 };

  constructor(table: DigestTable) {
    this.#table = table;
    const push: ReferenceVisitor = (algorithm, bytes, offset, sizeBytes, type) => {
      const id = table.internBytes(algorithm, bytes, offset);
      this.#push(id);
      if (sizeBytes >= 0 && this.#sizes.get(id) === 0) this.#sizes.set(id, sizeBytes + 1);
      this.#setType(id, this.#typeOf(type));
    };
    this.#recordVisitor = {
      ownType: (mediaType) => void this.#ownTypes.push(this.#typeNames.intern(mediaType)),
      header: ({ sizeBytes, layersBytes, blobCount, childCount, isImage, type }) => {
        this.#sizeBytes = sizeBytes;
        this.#type = this.#typeOf(type);
        this.#push(blobCount);
        this.#push(childCount);
        this.#push(0);
        this.#push(layersBytes % TWO_32);
        this.#push(2 * Math.floor(layersBytes / TWO_32) + (isImage ? 1 : 0));
      },
      subject: (algorithm, bytes, offset, _sizeBytes, type) => {
        const id = table.internBytes(algorithm, bytes, offset);
        this.#pool.set(this.#poolLength - HEADER_NUMBERS + 2, id + 1);
        this.#setType(id, this.#typeOf(type));
      },
      blob: push,
      child: push,
    };
  }

  /** How many manifests have been read, are known from an earlier run, of these have been asked for, and are absent. */
  get counts(): Readonly<{ read: number; remembered: number; used: number; absent: number }> {
    return this.#counts;
  }

  state(id: DigestId): ManifestState {
    const state = this.#states.get(id);
    if (state === UNREAD || state === REMEMBERED) return "unread";
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

  /**
   * @returns the media type as manifests give it, or a manifest's own; of two the first in the order of their letters.
   *   Without a name if none is known, or too many are
   */
  mediaType(id: DigestId): { code: number; name: string | undefined } {
    const code = this.#types.get(id);
    return { code, name: this.#typeNames.nameOf(code) };
  }

  /** @returns the sum of an image's layers' sizes as it gives them, with repetitions; 0 for anything else */
  layersBytes(id: DigestId): number {
    if (this.state(id) !== "read") return 0;
    const offset = this.#offsets.get(id);
    return Math.floor(this.#pool.get(offset + 4) / 2) * TWO_32 + this.#pool.get(offset + 3);
  }

  /** Tells whether the first of the blobs is a config, and the others are layers. */
  isImage(id: DigestId): boolean {
    return this.state(id) === "read" && this.#pool.get(this.#offsets.get(id) + 4) % 2 === 1;
  }

  /** Config, layers, and those entries of an index that are said to be no manifests. */
  *blobs(id: DigestId): Generator<DigestId> {
    if (this.state(id) !== "read") return;
    const offset = this.#offsets.get(id);
    const count = this.#pool.get(offset);
    for (let index = 0; index < count; index++) yield this.#pool.get(offset + HEADER_NUMBERS + index);
  }

  /** Entries of an index that are said to be manifests. */
  *childManifests(id: DigestId): Generator<DigestId> {
    if (this.state(id) !== "read") return;
    const offset = this.#offsets.get(id);
    const start = offset + HEADER_NUMBERS + this.#pool.get(offset);
    const count = this.#pool.get(offset + 1);
    for (let index = 0; index < count; index++) yield this.#pool.get(start + index);
  }

  subject(id: DigestId): DigestId | undefined {
    if (this.state(id) !== "read") return undefined;
    const subject = this.#pool.get(this.#offsets.get(id) + 2);
    return subject === 0 ? undefined : subject - 1;
  }

  /** Reads a manifest unless that has been done. Never rejects: what cannot be read is `unreadable`. */
  async load(driver: StorageDriver, id: DigestId): Promise<void> {
    if (this.recall(id)) return;
    const loading = this.#loading.get(id) ?? this.#read(driver, id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    await loading;
  }

  async #read(driver: StorageDriver, id: DigestId): Promise<void> {
    const digest = this.#table.digestOf(id);
    try {
      const bytes = await readSmallFile(driver, blobDataPath(digest), MAX_MANIFEST_READ_BYTES);
      if (bytes === undefined) this.addAbsent(id);
      else {
        const record = encodeManifestRecord(parseStored(bytes, digest), bytes.length);
        this.addRecord(id, record, 0, record.length);
      }
    } catch (error) {
      this.addUnreadable(id, messageOf(error));
    }
  }

  /** @returns true if nothing needs to be read to know a manifest */
  recall(id: DigestId): boolean {
    const state = this.#states.get(id);
    if (state !== REMEMBERED) return state !== UNREAD;
    this.#states.set(id, REMEMBERED_AND_USED);
    this.#counts.used++;
    return true;
  }

  /** Takes what has been read of a manifest, in the form of `encodeManifestRecord`. */
  addRecord(id: DigestId, record: Uint8Array, offset: number, length: number): void {
    this.#add(id, record, offset, length);
    this.#states.set(id, READ);
    this.#counts.read++;
  }

  /** Takes what an earlier run has read. @throws {InvalidManifestRecordError} */
  remember(algorithm: AlgorithmCode, digest: Uint8Array, record: Uint8Array): void {
    const id = this.#table.internBytes(algorithm, digest, 0);
    if (this.#states.get(id) !== UNREAD) return;
    this.#add(id, record, 0, record.length);
    this.#states.set(id, REMEMBERED);
    this.#counts.remembered++;
  }

  /** Remembers that the bytes of a manifest are not there. */
  addAbsent(id: DigestId): void {
    this.#states.set(id, ABSENT);
    this.#counts.absent++;
  }

  /** Remembers that a manifest cannot be understood. */
  addUnreadable(id: DigestId, problem: string): void {
    this.#states.set(id, UNREADABLE);
    this.#problems.set(id, problem);
  }

  #add(id: DigestId, record: Uint8Array, offset: number, length: number): void {
    const start = this.#poolLength;
    this.#ownTypes.length = 0;
    readManifestRecord(record, offset, length, this.#recordVisitor);
    this.#offsets.set(id, start);
    this.#sizes.set(id, this.#sizeBytes + 1);
    this.#setType(id, this.#type);
  }

  #typeOf(type: number): number {
    if (type < FIRST_OWN_TYPE || type === OTHER_TYPE) return type;
    return this.#ownTypes[type - FIRST_OWN_TYPE] ?? OTHER_TYPE;
  }

  /** Which manifest comes first depends on threads; so of two types the one whose name is first counts. */
  #setType(id: DigestId, type: number): void {
    const before = this.#types.get(id);
    if (before === type || type === NO_TYPE) return;
    const [name, nameBefore] = [this.#typeNames.nameOf(type), this.#typeNames.nameOf(before)];
    if (nameBefore === undefined || (name !== undefined && name < nameBefore)) this.#types.set(id, type);
  }

  #push(value: number): void {
    this.#pool.set(this.#poolLength++, value);
  }
}
