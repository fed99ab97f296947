import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import { blobDataPath } from "../../registry/paths.ts";
import type { ScannedBlob } from "../../registry/scan/scan-blobs.ts";
import { statSmallFile } from "../../registry/small-file.ts";
import { hasSmallReads } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { GiveWay } from "./give-way.ts";
import type { UncheckedLog } from "./unchecked-log.ts";

const UNKNOWN = 0;
const MISSING = 1;
const UNCHECKED = 2;
/** A state from here on is `FIRST_SIZE` + the size in bytes. */
const FIRST_SIZE = 3;

const LISTED = 1;
const NEEDED = 2;

/** What a blob is found to be: its size in bytes, not there, or not to be told. */
export type StoredSize = number | "missing" | "unchecked";

/** Which blobs the store has and how large they are. Each is asked for once, by a listing or when it is needed. */
export class StoredBlobs {
  readonly #driver: StorageDriver;
  readonly #table: DigestTable;
  readonly #unchecked: UncheckedLog;
  readonly #concurrency: number;
  readonly #sizes = PagedArray.numbers();
  readonly #marks = PagedArray.bytes();
  readonly #giveWay: GiveWay;
  #listed = { blobs: 0, bytes: 0 };
  #neededOfListed = { blobs: 0, bytes: 0 };
  #needed = { blobs: 0, bytes: 0 };

  constructor(
    driver: StorageDriver,
    table: DigestTable,
    options: { unchecked: UncheckedLog; concurrency: number; giveWay: GiveWay },
  ) {
    this.#driver = driver;
    this.#table = table;
    this.#unchecked = options.unchecked;
    this.#concurrency = options.concurrency;
    this.#giveWay = options.giveWay;
  }

  /** How many blobs a listing gave. */
  get listed(): Readonly<{ blobs: number; bytes: number }> {
    return this.#listed;
  }

  /** How many blobs are stored for which {@link StoredBlobs.need} was called. */
  get needed(): Readonly<{ blobs: number; bytes: number }> {
    return this.#needed;
  }

  /** How many of the listed ones nothing needs. */
  get unneeded(): { blobs: number; bytes: number } {
    return {
      blobs: this.#listed.blobs - this.#neededOfListed.blobs,
      bytes: this.#listed.bytes - this.#neededOfListed.bytes,
    };
  }

  /** Takes what a listing gave, and asks for the sizes that it did not bring. */
  async addListed(batch: readonly ScannedBlob[]): Promise<void> {
    for (const { id, sizeBytes } of batch) {
      if (sizeBytes !== undefined) this.#sizes.set(id, FIRST_SIZE + sizeBytes);
    }
    await this.ask(batch.map(({ id }) => id));
    for (const { id } of batch) {
      const size = this.known(id);
      if (size === "missing") continue;
      this.#marks.set(id, this.#marks.get(id) | LISTED);
      this.#listed.blobs++;
      if (typeof size === "number") this.#listed.bytes += size;
    }
  }

  /** Asks for those blobs that were not asked for before. */
  async ask(ids: readonly DigestId[]): Promise<void> {
    const unknown = ids.filter((id) => this.#sizes.get(id) === UNKNOWN);
    if (!hasSmallReads(this.#driver)) {
      await forEachConcurrently(unknown, this.#concurrency, (id) => this.#stat(id));
      return;
    }
    for (const id of unknown) {
      const turn = this.#giveWay();
      if (turn !== undefined) await turn;
      const path = blobDataPath(this.#table.digestOf(id));
      try {
        this.#take(id, this.#driver.statFileSync(path));
      } catch (error) {
        this.#addUnchecked(id, path, error);
      }
    }
  }

  /** Asks for a blob unless that has been done. */
  async size(id: DigestId): Promise<StoredSize> {
    if (this.#sizes.get(id) === UNKNOWN) await this.#stat(id);
    return this.known(id);
  }

  /** Says that a blob was removed since it was asked for, so that it is asked for anew. */
  forget(id: DigestId): void {
    this.#sizes.set(id, UNKNOWN);
  }

  /** What was found; `missing` if it was never asked for. */
  known(id: DigestId): StoredSize {
    const state = this.#sizes.get(id);
    if (state >= FIRST_SIZE) return state - FIRST_SIZE;
    return state === UNCHECKED ? "unchecked" : "missing";
  }

  /** Says that something needs a blob. */
  need(id: DigestId): void {
    const marks = this.#marks.get(id);
    if ((marks & NEEDED) !== 0) return;
    this.#marks.set(id, marks | NEEDED);
    const size = this.known(id);
    if (size === "missing") return;
    const bytes = size === "unchecked" ? 0 : size;
    const counted = (marks & LISTED) === 0 ? [this.#needed] : [this.#needed, this.#neededOfListed];
    for (const amounts of counted) {
      amounts.blobs++;
      amounts.bytes += bytes;
    }
  }

  async #stat(id: DigestId): Promise<void> {
    await this.#giveWay();
    const path = blobDataPath(this.#table.digestOf(id));
    try {
      this.#take(id, await statSmallFile(this.#driver, path));
    } catch (error) {
      this.#addUnchecked(id, path, error);
    }
  }

  #take(id: DigestId, info: { sizeBytes: number } | undefined): void {
    this.#sizes.set(id, info === undefined ? MISSING : FIRST_SIZE + info.sizeBytes);
  }

  #addUnchecked(id: DigestId, path: string, error: unknown): void {
    this.#sizes.set(id, UNCHECKED);
    this.#unchecked.add(path, error);
  }
}
