import {
  CancelledError,
  RegistryCtlError,
  StorageFullError,
  StorageUnavailableError,
} from "../../../errors.ts";
import type { FileWriter } from "../../driver.ts";
import { callS3 } from "../s3-call.ts";
import type { S3Store } from "../s3-store.ts";
import type { WriterParts } from "./append-writer.ts";
import { MultipartRequests, type StoredPart, type UploadHandle } from "./multipart-upload.ts";
import type { PartBudget, PartBuffer, PartHolder } from "./part-budget.ts";
import { firstPartBytes, MAX_PARTS, MIN_PART_BYTES, partBytes } from "./part-sizes.ts";

/** Parts of one file that are under way at a time. */
const MAX_UNDER_WAY = 3;
/** A file whose size is known is cut into no more parts than this, as far as memory allows. */
const WANTED_PARTS = 9_000;

/**
 * Writes a file to its place: one PUT if it is small, else a multipart upload of which nothing is visible before it is
 * completed. Several parts are under way at a time; nobody goes on with them if the writer dies.
 */
export class DirectWriter implements FileWriter, PartHolder {
  readonly #store: S3Store;
  readonly #path: string;
  readonly #budget: PartBudget;
  readonly #signal: AbortSignal | undefined;
  readonly #requests: MultipartRequests;
  readonly #maxParts: number;
  readonly #firstBytes: number;
  readonly #expectedBytes: number;
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stored: StoredPart[] = [];
  #upload: Promise<UploadHandle> | undefined;
  #partCount = 0;
  #sentBytes = 0;
  #buffer: PartBuffer | undefined;
  #filledBytes = 0;
  /** What was in a buffer that had to be given back. */
  #kept: { bytes: Uint8Array; release: () => void } | undefined;
  #failure: { error: unknown } | undefined;
  #isEnded = false;

  constructor(
    { store, path, budget, signal, maxParts }: WriterParts,
    expectedBytes = Number.POSITIVE_INFINITY,
  ) {
    this.#store = store;
    this.#path = path;
    this.#budget = budget;
    this.#signal = signal;
    this.#requests = new MultipartRequests(store);
    this.#maxParts = maxParts ?? MAX_PARTS;
    this.#expectedBytes = expectedBytes;
    const wanted = Number.isFinite(expectedBytes) ? Math.ceil(expectedBytes / WANTED_PARTS) : 0;
    this.#firstBytes = firstPartBytes(Math.max(store.settings.chunkBytes, wanted));
  }

  get sizeBytes(): number {
    return this.#sentBytes + this.#filledBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#isEnded) throw new Error("write to an ended writer");
    this.#check();
    let rest = chunk;
    while (rest.length > 0) {
      const buffer = this.#buffer ?? (await this.#reserve(rest.length));
      const taken = rest.subarray(0, buffer.bytes.length - this.#filledBytes);
      buffer.bytes.set(taken, this.#filledBytes);
      buffer.touch();
      this.#filledBytes += taken.length;
      rest = rest.subarray(taken.length);
      const isFull = this.#filledBytes === buffer.bytes.length;
      if (isFull && rest.length > 0 && this.#filledBytes < MIN_PART_BYTES) {
        this.#makeLarger(buffer);
        continue;
      }
      // The last part of a file of known size waits for the end, which may make it the only one.
      if (isFull && (rest.length > 0 || this.sizeBytes !== this.#expectedBytes)) await this.#send(buffer);
    }
  }

  async commit(): Promise<void> {
    if (this.#isEnded) return;
    this.#check();
    await this.#call(async () => {
      if (this.#upload === undefined) await this.#put();
      else await this.#complete(this.#upload);
    });
    this.#isEnded = true;
    this.#release();
  }

  async cancel(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#release();
    this.#abort.abort();
    await Promise.allSettled(this.#underWay);
    const upload = await this.#upload?.catch(() => undefined);
    if (upload !== undefined) await this.#call(() => this.#requests.abort(upload));
  }

  close(): Promise<void> {
    return this.cancel();
  }

  /**
   * Others wait for memory. What is enough for a part goes on its way; less is kept in as little memory as it needs, and if
   * there is too much of that, the slow client has to come again.
   */
  async giveBack(): Promise<void> {
    const buffer = this.#buffer;
    if (this.#isEnded || buffer === undefined) return;
    if (this.#filledBytes >= MIN_PART_BYTES) {
      this.#dispatch(buffer);
      return;
    }
    const keep = this.#budget.keep(this.#filledBytes);
    if (keep === undefined) {
      this.#fail(
        new StorageUnavailableError(
          `s3: cannot write ${this.#path}: too many slow uploads at the same time`,
          {
            hint: "push again later, or with fewer uploads at a time: those that are slow share a bounded memory",
          },
        ),
      );
    } else {
      this.#kept = { bytes: this.#copyOf(buffer), release: keep };
    }
    this.#buffer = undefined;
    buffer.release();
  }

  async #reserve(bytesAtHand: number): Promise<PartBuffer> {
    const full = this.#fullBytes();
    const expected = this.#expectedBytes - this.#sentBytes;
    // More than was expected is a reason not to believe the rest.
    const size = expected >= this.#filledBytes + bytesAtHand ? Math.min(full, expected) : full;
    const buffer = await this.#budget.reserve(size, this);
    try {
      this.#check();
    } catch (error) {
      buffer.release();
      throw error;
    }
    if (this.#kept !== undefined) buffer.bytes.set(this.#kept.bytes);
    this.#kept?.release();
    this.#kept = undefined;
    this.#buffer = buffer;
    return buffer;
  }

  /** More comes than was expected: what there is waits for a buffer as large as a part. */
  #makeLarger(buffer: PartBuffer): void {
    this.#kept = { bytes: this.#copyOf(buffer), release: () => undefined };
    this.#buffer = undefined;
    buffer.release();
  }

  #copyOf(buffer: PartBuffer): Uint8Array {
    return Uint8Array.from(buffer.bytes.subarray(0, this.#filledBytes));
  }

  #fullBytes(): number {
    if (this.#partCount < this.#maxParts) return partBytes(this.#firstBytes, this.#partCount + 1);
    throw new StorageFullError(
      `s3: ${this.#path} has more than ${this.#sentBytes} bytes, which is the most that fits into ${this.#maxParts} parts`,
      {
        hint: `push smaller layers, or raise storage.${this.#store.settings.driver}.chunksize if it is below 32 MiB`,
      },
    );
  }

  async #send(buffer: PartBuffer): Promise<void> {
    buffer.sending();
    while (this.#underWay.size >= MAX_UNDER_WAY) await Promise.race(this.#underWay);
    this.#check();
    this.#dispatch(buffer);
  }

  #dispatch(buffer: PartBuffer): void {
    buffer.sending();
    const bytes = buffer.bytes.subarray(0, this.#filledBytes);
    this.#partCount++;
    const number = this.#partCount;
    this.#sentBytes += bytes.length;
    this.#filledBytes = 0;
    this.#buffer = undefined;
    const store = async (): Promise<void> => {
      try {
        const upload = await this.#begun();
        this.#stored.push(await this.#requests.putPart(upload, number, bytes, this.#abort.signal));
      } catch (error) {
        this.#fail(error);
      } finally {
        buffer.release();
      }
    };
    const storing = store().finally(() => this.#underWay.delete(storing));
    this.#underWay.add(storing);
  }

  #begun(): Promise<UploadHandle> {
    this.#upload ??= this.#requests.create(this.#store.keyOf(this.#path));
    return this.#upload;
  }

  async #put(): Promise<void> {
    const bytes = this.#buffer?.bytes.subarray(0, this.#filledBytes) ?? this.#kept?.bytes ?? new Uint8Array();
    this.#buffer?.sending();
    const headers = { ...this.#store.objectHeaders, "content-type": "application/octet-stream" };
    await this.#store.lane.send({ method: "PUT", key: this.#store.keyOf(this.#path), headers, body: bytes });
  }

  async #complete(begun: Promise<UploadHandle>): Promise<void> {
    if (this.#filledBytes > 0) await this.#send(this.#buffer ?? (await this.#reserve(0)));
    await Promise.all(this.#underWay);
    this.#check();
    this.#stored.sort((left, right) => left.number - right.number);
    await this.#requests.complete(await begun, this.#path, this.#stored);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#abort.abort();
  }

  #release(): void {
    this.#buffer?.release();
    this.#buffer = undefined;
    this.#kept?.release();
    this.#kept = undefined;
  }

  #check(): void {
    if (this.#signal?.aborted) throw new CancelledError();
    if (this.#failure === undefined) return;
    const { error } = this.#failure;
    throw error instanceof RegistryCtlError ? error : this.#store.translate(error, "write", this.#path);
  }

  #call<T>(run: () => Promise<T>): Promise<T> {
    return callS3(this.#store, "write", this.#path, run);
  }
}
