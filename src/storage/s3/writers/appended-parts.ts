import type { S3Store } from "../s3-store.ts";
import { bareEtag } from "./bare-etag.ts";
import { isRefusedPart, MultipartRequests, type StoredPart, type UploadHandle } from "./multipart-upload.ts";
import type { PartBuffer } from "./part-budget.ts";
import {
  copiedPartSizes,
  firstPartBytes,
  MAX_HELD_PART_BYTES,
  MAX_PARTS,
  MIN_PART_BYTES,
  PART_BYTES_BEHIND_COPIES,
  partBytes,
} from "./part-sizes.ts";
import { type Unfinished, uploadsOf } from "./read-unfinished.ts";
import { deleteTails, type Tail } from "./tails.ts";

/** How often a completion is tried again with the last part stored anew, if somebody who died has replaced it. */
const MAX_COMPLETIONS = 3;

/**
 * The multipart upload behind an unfinished file: begun with the first part, gone on with by whoever comes next. If the
 * file is an object already, that becomes the first parts by copying; the same happens when no part number is left.
 */
export class AppendedParts {
  readonly #store: S3Store;
  readonly #path: string;
  readonly #key: string;
  readonly #requests: MultipartRequests;
  readonly #maxParts: number;
  /** All others on this key, to be aborted in the end. */
  #others: UploadHandle[];
  #isMaybeTwice = false;
  #upload: UploadHandle | undefined;
  #stored: StoredPart[];
  #hasStrays: boolean;
  /** Of the object that the parts begin with; 0 if they begin with none. */
  #objectBytes: number;
  #firstBytes: number;
  #sizeBytes: number;
  #underWay: Promise<unknown> | undefined;
  #isObject: boolean;
  /** Of the object that the parts begin with. */
  #objectEtag: string;
  readonly #objectInFirstPart: Tail | undefined;

  constructor(store: S3Store, path: string, unfinished: Unfinished, maxParts: number = MAX_PARTS) {
    const { key, object, upload, otherUploads } = unfinished;
    const objectBytes = object?.sizeBytes ?? 0;
    this.#store = store;
    this.#path = path;
    this.#key = key;
    this.#requests = new MultipartRequests(store);
    this.#maxParts = maxParts;
    this.#others = otherUploads;
    this.#isObject = object !== undefined;
    this.#objectEtag = object?.etag ?? "";
    this.#upload = upload;
    this.#stored = upload === undefined ? [] : [...upload.parts];
    this.#hasStrays = upload?.hasStrays ?? false;
    this.#objectBytes = objectBytes >= MIN_PART_BYTES ? objectBytes : 0;
    const fresh =
      this.#objectBytes > 0 ? PART_BYTES_BEHIND_COPIES : firstPartBytes(store.settings.chunkBytes);
    this.#firstBytes = upload?.firstPartBytes ?? fresh;
    this.#sizeBytes = Math.max(this.#objectBytes, upload?.sizeBytes ?? 0);
    const isSmall = objectBytes > 0 && this.#sizeBytes === 0;
    this.#objectInFirstPart = isSmall
      ? { key, offset: 0, sizeBytes: objectBytes, etag: this.#objectEtag }
      : undefined;
  }

  /** Bytes in all parts, those under way included. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** There is an object at the path, whole or not. */
  get isObject(): boolean {
    return this.#isObject;
  }

  /** The file itself, if it is too small for a part that others follow. */
  get objectInFirstPart(): Tail | undefined {
    return this.#objectInFirstPart;
  }

  /** Size of the next part when it is full. */
  get nextBytes(): number {
    return partBytes(this.#firstBytes, this.#nextNumber);
  }

  /** What the store calls the object at the path, without quotes; empty if it has not told, or there is none. */
  get objectEtag(): string {
    return this.#objectEtag;
  }

  /** What the store calls the parts, when none is under way; undefined if it has not told. */
  get etags(): string[] | undefined {
    const etags = this.#stored.map(({ named }) => bareEtag(named.ETag));
    if (this.#objectBytes > 0) etags.unshift(this.#objectEtag);
    return etags.includes("") ? undefined : etags;
  }

  /** Lets the first part be so large, where there is none yet. */
  makeRoomFor(bytes: number): void {
    if (this.#upload !== undefined) return;
    this.#firstBytes = Math.min(MAX_HELD_PART_BYTES, Math.max(this.#firstBytes, bytes));
  }

  /** To be called before {@link nextBytes} is relied on: makes a new upload if this one has no number left. */
  async prepareNext(): Promise<void> {
    if (this.#nextNumber <= this.#maxParts) return;
    await this.settle();
    await this.#complete(this.#stored);
    this.#isObject = true;
    this.#upload = undefined;
    this.#stored = [];
    this.#hasStrays = false;
    this.#objectBytes = this.#sizeBytes;
    this.#firstBytes = PART_BYTES_BEHIND_COPIES;
  }

  /** Waits for the part under way. @throws why it could not be stored */
  async settle(): Promise<void> {
    await this.#underWay;
  }

  /**
   * Begins to store a full part; to be called when nothing is under way. The buffer is released in the end.
   *
   * @param heads - objects that the part's first bytes were read from; removed when it is stored
   */
  async send(buffer: PartBuffer, heads: readonly Tail[]): Promise<void> {
    const upload = await this.#begun();
    const number = this.#stored.length + 1;
    const store = async (): Promise<void> => {
      try {
        this.#stored.push(await this.#requests.putPart(upload, number, buffer.bytes));
      } finally {
        buffer.release();
      }
      // What stays is known by its offset to be in a part already.
      await deleteTails(this.#store, heads).catch(() => undefined);
    };
    this.#sizeBytes += buffer.bytes.length;
    this.#underWay = store();
    // It is thrown where it is waited for.
    this.#underWay.catch(() => undefined);
  }

  /**
   * Makes the parts a file, with a last part of any size. Other uploads of the file are left to {@link abort}.
   *
   * @param last - must not change before it settles; undefined: there are no more bytes
   */
  async complete(last: Uint8Array | undefined): Promise<void> {
    if (last === undefined && this.#sizeBytes === this.#objectBytes) return;
    if (last !== undefined) await this.prepareNext();
    const upload = await this.#begun();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#complete(await this.#withLast(upload, last));
        this.#isObject = true;
        this.#upload = undefined;
        return;
      } catch (error) {
        if (attempt >= MAX_COMPLETIONS || !isRefusedPart(error)) throw error;
        if (!(await this.#isUnchanged(upload))) throw error;
      }
    }
  }

  /** Removes the upload, unless it is complete, and all others of the file. */
  async abort(): Promise<void> {
    await this.#underWay?.catch(() => undefined);
    const found = this.#isMaybeTwice ? await uploadsOf(this.#store, this.#key) : [];
    const uploads = [...(this.#upload === undefined ? [] : [this.#upload]), ...this.#others, ...found];
    for (const upload of uploads) await this.#requests.abort(upload);
    this.#others = [];
    this.#upload = undefined;
  }

  get #nextNumber(): number {
    const copies = copiedPartSizes(this.#objectBytes).length;
    return Math.max(copies, this.#stored.length + (this.#isStoring ? 1 : 0)) + 1;
  }

  get #isStoring(): boolean {
    const storedBytes = this.#stored.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return this.#sizeBytes > Math.max(storedBytes, this.#objectBytes);
  }

  async #begun(): Promise<UploadHandle> {
    if (this.#upload === undefined) {
      const { isMaybeTwice, ...upload } = await this.#requests.create(this.#key);
      this.#isMaybeTwice ||= isMaybeTwice;
      this.#upload = upload;
    }
    const upload = this.#upload;
    let offset = 0;
    for (const [index, sizeBytes] of copiedPartSizes(this.#objectBytes).entries()) {
      if (index >= this.#stored.length) {
        const source = { key: this.#key, offset, sizeBytes };
        this.#stored.push(await this.#requests.copyPart(upload, index + 1, source));
      }
      offset += sizeBytes;
    }
    return upload;
  }

  /** The parts with the last one; one without bytes takes the place of what somebody left there. */
  async #withLast(upload: UploadHandle, last: Uint8Array | undefined): Promise<StoredPart[]> {
    if (last === undefined && !this.#hasStrays) return this.#stored;
    const bytes = last ?? new Uint8Array();
    return [...this.#stored, await this.#requests.putPart(upload, this.#stored.length + 1, bytes)];
  }

  async #complete(parts: readonly StoredPart[]): Promise<void> {
    const upload = this.#upload;
    if (upload === undefined) throw new Error("no upload to complete");
    this.#objectEtag = await this.#requests.complete(upload, this.#path, parts);
  }

  /** Tells whether all parts but the last are those that were stored; then the last one may be stored again. */
  async #isUnchanged(upload: UploadHandle): Promise<boolean> {
    const found = await this.#requests.listParts(upload);
    if (found === undefined || found.length > this.#stored.length + 1) return false;
    this.#hasStrays ||= found.length > this.#stored.length;
    return this.#stored.every(({ named }, index) => found[index]?.named.ETag === named.ETag);
  }
}
