import { CancelledError } from "../../../errors.ts";
import type { FileWriter } from "../../driver.ts";
import { callS3 } from "../s3-call.ts";
import type { S3Store } from "../s3-store.ts";
import { AppendedParts } from "./appended-parts.ts";
import type { PartBudget, PartBuffer, PartHolder } from "./part-budget.ts";
import type { Unfinished } from "./read-unfinished.ts";
import { deleteTails, putTail, readTails, type Tail } from "./tails.ts";

/** So many tails of one part are put together to one, so that a file that comes byte by byte has few. */
const MAX_TAILS = 16;

/** What a writer of the driver works with. */
export interface WriterParts {
  store: S3Store;
  path: string;
  budget: PartBudget;
  signal?: AbortSignal | undefined;
  /** How many parts an upload may have; smaller in tests. */
  maxParts?: number | undefined;
}

/**
 * Goes on with an unfinished file. Bytes are collected to parts in memory; a full one goes to the multipart upload while the
 * next one fills. What is left at `close`, or must give way to other uploads meanwhile, becomes a tail, which is read back
 * when its part is complete.
 *
 * One part is under way at a time, so that nobody who dies leaves one behind a gap: some stores complete an upload only
 * with all the parts that they have of it.
 */
export class AppendWriter implements FileWriter, PartHolder {
  readonly #store: S3Store;
  readonly #path: string;
  readonly #key: string;
  readonly #budget: PartBudget;
  readonly #signal: AbortSignal | undefined;
  readonly #parts: AppendedParts;
  /** What there is already of the part that is being filled, in objects. */
  #heads: Tail[];
  #staleTails: Tail[];
  #buffer: PartBuffer | undefined;
  /** Bytes in the buffer; they lie behind the place of the heads. */
  #filledBytes = 0;
  #spilling: Promise<void> | undefined;
  #isEnded = false;
  #isCommitted = false;

  constructor(unfinished: Unfinished, { store, path, budget, signal, maxParts }: WriterParts) {
    this.#store = store;
    this.#path = path;
    this.#key = unfinished.key;
    this.#budget = budget;
    this.#signal = signal;
    this.#staleTails = unfinished.staleTails;
    this.#parts = new AppendedParts(store, path, unfinished, maxParts);
    const object = this.#parts.objectInFirstPart;
    this.#heads = object === undefined ? unfinished.tails : [object, ...unfinished.tails];
    if (this.#parts.sizeBytes === 0) this.#parts.makeRoomFor(this.#headBytes);
  }

  get sizeBytes(): number {
    return this.#parts.sizeBytes + this.#headBytes + this.#filledBytes;
  }

  get contentTag(): string | undefined {
    if (this.#isCommitted) return this.#parts.objectEtag;
    const parts = this.#parts.etags;
    if (parts === undefined || this.#heads.some(({ etag }) => etag === "")) return undefined;
    return [...parts, ...this.#heads.map(({ offset, etag }) => `${offset}=${etag}`)].join(" ");
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#isEnded) throw new Error("write to an ended writer");
    this.#checkSignal();
    await this.#spilling;
    let rest = chunk;
    while (rest.length > 0) {
      const buffer = this.#buffer ?? (await this.#reserve());
      const at = this.#headBytes + this.#filledBytes;
      const taken = rest.subarray(0, buffer.bytes.length - at);
      buffer.bytes.set(taken, at);
      buffer.touch();
      this.#filledBytes += taken.length;
      rest = rest.subarray(taken.length);
      if (at + taken.length === buffer.bytes.length) await this.#call(() => this.#sendPart(buffer));
    }
  }

  async wholeContent(): Promise<Uint8Array | undefined> {
    if (this.#isEnded || this.#parts.sizeBytes > 0) return undefined;
    await this.#spilling;
    return await this.#call(() => this.#gather());
  }

  async commit(): Promise<void> {
    if (this.#isEnded) return;
    this.#checkSignal();
    await this.#spilling;
    await this.#call(async () => {
      await this.#parts.settle();
      if (this.#parts.sizeBytes === 0) {
        const content = await this.#gather();
        const headers = { ...this.#store.objectHeaders, "content-type": "application/octet-stream" };
        await this.#store.lane.send({ method: "PUT", key: this.#key, headers, body: content });
      } else {
        const hasMore = this.#headBytes + this.#filledBytes > 0;
        await this.#parts.complete(hasMore ? await this.#gather() : undefined);
        this.#isCommitted = true;
      }
      this.#isEnded = true;
      this.#release();
      // The file is whole; what cannot be cleared away now is known as stale by whoever finds it.
      await this.#parts.abort().catch(() => undefined);
      await deleteTails(this.#store, this.#tailsToDelete()).catch(() => undefined);
    });
  }

  async cancel(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#spilling;
    this.#release();
    await this.#call(async () => {
      await this.#parts.abort();
      const object = this.#parts.isObject ? [{ key: this.#key }] : [];
      await deleteTails(this.#store, [...object, ...this.#tailsToDelete()]);
    });
  }

  async close(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#spilling;
    try {
      await this.#call(async () => {
        await this.#parts.settle();
        await this.#spill();
      });
    } finally {
      this.#release();
    }
  }

  /** Others wait for memory. */
  async giveBack(): Promise<void> {
    if (this.#isEnded || this.#buffer === undefined || this.#spilling !== undefined) return;
    const spilling = this.#spill()
      // It stays in memory then; whether the store works is found out by who writes.
      .catch(() => undefined)
      .finally(() => {
        this.#spilling = undefined;
      });
    this.#spilling = spilling;
    await spilling;
  }

  get #headBytes(): number {
    return this.#heads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  async #reserve(): Promise<PartBuffer> {
    await this.#call(async () => {
      // A tail behind a gap would count as soon as the gap is closed.
      await deleteTails(this.#store, this.#staleTails.splice(0));
      await this.#parts.prepareNext();
      while (this.#headBytes >= this.#parts.nextBytes) {
        await this.#sendPart(await this.#budget.reserve(this.#parts.nextBytes, this));
        await this.#parts.prepareNext();
      }
    });
    this.#buffer = await this.#budget.reserve(this.#parts.nextBytes, this);
    return this.#buffer;
  }

  /** Sends a part that is complete with its heads; the next one may be filled meanwhile. */
  async #sendPart(buffer: PartBuffer): Promise<void> {
    buffer.sending();
    try {
      const end = this.#parts.sizeBytes + buffer.bytes.length;
      const heads = this.#heads.filter(({ offset, sizeBytes }) => offset + sizeBytes <= end);
      await readTails(this.#store, heads, buffer.bytes);
      await this.#parts.settle();
      await this.#parts.send(
        buffer,
        heads.filter(({ key }) => key !== this.#key),
      );
      this.#heads = this.#heads.slice(heads.length);
      this.#filledBytes = 0;
      this.#buffer = undefined;
    } catch (error) {
      buffer.release();
      this.#buffer = undefined;
      this.#filledBytes = 0;
      throw error;
    }
  }

  /** Puts the bytes in memory into a tail. */
  async #spill(): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    const tails = this.#heads.filter(({ key }) => key !== this.#key);
    if (this.#filledBytes > 0) {
      const tail = await (tails.length < MAX_TAILS
        ? this.#putFilled(buffer)
        : this.#putTogether(buffer, tails));
      this.#heads = [...this.#heads.filter(({ offset }) => offset < tail.offset), tail];
    }
    this.#filledBytes = 0;
    this.#release();
  }

  #putFilled(buffer: PartBuffer): Promise<Tail> {
    const at = this.#headBytes;
    const bytes = buffer.bytes.subarray(at, at + this.#filledBytes);
    return putTail(this.#store, { key: this.#key, offset: this.#parts.sizeBytes + at, bytes });
  }

  /** The first tail is replaced by one with all bytes, which makes the others stale. */
  async #putTogether(buffer: PartBuffer, tails: readonly Tail[]): Promise<Tail> {
    const offset = tails[0]?.offset ?? 0;
    const bytes = buffer.bytes.subarray(offset - this.#parts.sizeBytes, this.#headBytes + this.#filledBytes);
    await readTails(this.#store, tails, bytes);
    const tail = await putTail(this.#store, { key: this.#key, offset, bytes });
    await deleteTails(this.#store, tails.slice(1));
    return tail;
  }

  /** @returns all bytes behind the parts, which stay in the buffer until it is released */
  async #gather(): Promise<Uint8Array> {
    const sizeBytes = this.#headBytes + this.#filledBytes;
    if (sizeBytes === 0) return new Uint8Array();
    this.#buffer ??= await this.#budget.reserve(sizeBytes, this);
    this.#buffer.sending();
    await readTails(this.#store, this.#heads, this.#buffer.bytes);
    return this.#buffer.bytes.subarray(0, sizeBytes);
  }

  #tailsToDelete(): Tail[] {
    return [...this.#heads.filter(({ key }) => key !== this.#key), ...this.#staleTails];
  }

  #release(): void {
    this.#buffer?.release();
    this.#buffer = undefined;
  }

  #checkSignal(): void {
    if (this.#signal?.aborted) throw new CancelledError();
  }

  #call<T>(run: () => Promise<T>): Promise<T> {
    return callS3(this.#store, "write", this.#path, run);
  }
}
