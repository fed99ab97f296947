import { setMaxListeners } from "node:events";
import type { ScanAsides, ScanFailure, ScannedFile } from "../abilities.ts";
import { partBehind } from "../scan-after.ts";
import { hasMd5Etags, md5OfEtag } from "./etag-md5.ts";
import { callS3, folderPrefix } from "./s3-call.ts";
import { type ListedPage, listPage, PAGE_KEYS, type PageRequest } from "./s3-listing.ts";
import { findBounds } from "./s3-scan-bounds.ts";
import { ScanRange } from "./s3-scan-range.ts";
import type { S3Store } from "./s3-store.ts";

/** So many pages are asked for at a time, once it is known that there are many. */
const LANES = 12;
/** A range that comes of a split has been as long as this when it is split itself. */
const PAGES_TO_SPLIT_AGAIN = 6;
/** So many pages of a range wait until those before it have been given. */
const PAGES_AHEAD = 8;
/** So many pages wait at the most, of all ranges together: some 45 MiB. */
const MAX_WAITING_PAGES = LANES * PAGES_AHEAD;
/** Requests that a listing page after page would not need: for bounds, and for what two ranges both see. */
const MAX_EXTRA_REQUESTS = 200;
/** As many again may be spent for so many pages. */
const PAGES_PER_EXTRA_REQUEST = 25;

/**
 * All files below a folder in key order, one batch for each page of the listing. It begins as any listing; when a page's
 * worth of keys has come and there is more, the rest is split over ranges of keys that are listed side by side. Objects
 * that stand for folders are told to `asides.onFolderMarker`.
 *
 * A page that cannot be had ends the scan, after `onFailure` for the folder.
 */
export async function* scanFolder(
  store: S3Store,
  path: string,
  onFailure: (failure: ScanFailure) => void,
  asides: ScanAsides = {},
): AsyncGenerator<ScannedFile[]> {
  if (partBehind(path, asides.after) === "none") return;
  const scan = new Scan(store, path, asides);
  try {
    for (;;) {
      const batch = await scan.next();
      if (batch === undefined) return;
      yield batch;
    }
  } catch (error) {
    if (!scan.hasFailed) throw error;
    onFailure({ path, error });
  } finally {
    scan.stop();
  }
}

class Scan {
  readonly #store: S3Store;
  readonly #path: string;
  readonly #asides: ScanAsides;
  readonly #prefix: string;
  readonly #abort = new AbortController();
  /** What is not given yet, in order. */
  readonly #ranges: ScanRange[];
  readonly #wantsMd5: boolean;
  #listing = 0;
  #waitingPages = 0;
  #pageCount = 0;
  #extraRequests = 0;
  #isSplitting = false;
  #failure: { error: unknown } | undefined;
  #wake: () => void = () => undefined;

  constructor(store: S3Store, path: string, asides: ScanAsides) {
    this.#store = store;
    this.#path = path;
    this.#asides = asides;
    this.#prefix = folderPrefix(store, path);
    const { after = "" } = asides;
    const isWithin = after !== "" && partBehind(path, after) === "some";
    this.#ranges = [new ScanRange(isWithin ? store.keyOf(after) : "", undefined)];
    this.#wantsMd5 = (asides.wantsMd5 ?? false) && hasMd5Etags(store.settings);
    setMaxListeners(0, this.#abort.signal);
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** @returns the next files in order, or undefined at the end */
  async next(): Promise<ScannedFile[] | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const [range] = this.#ranges;
      if (range === undefined) return undefined;
      const batch = range.pages.shift();
      if (batch !== undefined) {
        this.#waitingPages--;
        this.#start();
        return batch;
      }
      if (range.isDone) this.#ranges.shift();
      else {
        const changed = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#start();
        await changed;
      }
    }
  }

  /** Ends all that is under way. */
  stop(): void {
    this.#abort.abort();
  }

  /** Asks for as many pages as may be asked for now, those that are needed first. */
  #start(): void {
    for (const [index, range] of this.#ranges.entries()) {
      if (this.#listing >= LANES || this.#failure) return;
      if (range.isListing || range.isDone) continue;
      const hasRoom = range.pages.length < PAGES_AHEAD && this.#waitingPages < MAX_WAITING_PAGES;
      if (index === 0 || hasRoom) void this.#list(range);
    }
    this.#splitIfIdle();
  }

  async #list(range: ScanRange): Promise<void> {
    this.#listing++;
    range.isListing = true;
    try {
      const { position } = range;
      const page = await this.#ask({ prefix: this.#prefix, position, etags: this.#wantsMd5 });
      this.#pageCount++;
      const files = await this.#call(async () => this.#filesOf(range, page));
      if (files.length > 0) {
        range.pages.push(files);
        this.#waitingPages++;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#listing--;
      range.isListing = false;
    }
    this.#start();
    this.#wake();
  }

  #filesOf(range: ScanRange, page: ListedPage): ScannedFile[] {
    const files: ScannedFile[] = [];
    for (const { key, sizeBytes, modifiedMs, etag } of range.advance(page)) {
      const path = this.#store.pathOf(key);
      if (key.endsWith("/")) this.#asides.onFolderMarker?.(key);
      else if (path !== undefined) {
        const contentMd5 = etag === undefined ? undefined : md5OfEtag(etag);
        files.push({ path, sizeBytes, modifiedMs, ...(contentMd5 !== undefined && { contentMd5 }) });
      }
    }
    return files;
  }

  #splitIfIdle(): void {
    const budget = MAX_EXTRA_REQUESTS + this.#pageCount / PAGES_PER_EXTRA_REQUEST;
    if (this.#listing >= LANES || this.#isSplitting || this.#failure || this.#asides.sparesRequests) return;
    if (this.#extraRequests + LANES > budget || this.#waitingPages >= MAX_WAITING_PAGES / 2) return;
    const index = this.#ranges.findIndex(isWorthSplitting);
    const range = this.#ranges[index];
    if (range) void this.#split(range);
  }

  async #split(range: ScanRange): Promise<void> {
    this.#isSplitting = true;
    try {
      const bounds = await findBounds(range, {
        prefix: this.#prefix,
        maxRanges: Math.min(LANES - this.#listing + 1, rangesFor(range)),
        maxPages: PAGES_AHEAD,
        listPage: (request) => {
          this.#extraRequests++;
          return this.#ask(request);
        },
      });
      const index = this.#ranges.indexOf(range);
      const behind = index < 0 || range.isDone ? [] : range.splitAt(bounds);
      this.#ranges.splice(index + 1, 0, ...behind);
      this.#extraRequests += behind.length;
      if (behind.length === 0) range.triedAtKeyCount = range.keyCount;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isSplitting = false;
    }
    this.#start();
    this.#wake();
  }

  #ask(request: PageRequest): Promise<ListedPage> {
    return this.#call(() =>
      listPage(this.#store, { ...request, isPatient: true, signal: this.#abort.signal }),
    );
  }

  #call<T>(run: () => Promise<T>): Promise<T> {
    return callS3(this.#store, "list", this.#path, run);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }
}

/** What is left of a range that comes of a split is hardly more than what it has had. */
function rangesFor({ isOfSplit, keyCount }: ScanRange): number {
  return isOfSplit ? Math.ceil(keyCount / PAGE_KEYS) : LANES;
}

/** Enough has come to tell that it is long, there is more, and it has not been tried in vain a moment ago. */
function isWorthSplitting({ isOfSplit, isDone, isAtEnd, keyCount, triedAtKeyCount }: ScanRange): boolean {
  const leastKeys = isOfSplit ? PAGES_TO_SPLIT_AGAIN * PAGE_KEYS : PAGE_KEYS;
  const triedAt = triedAtKeyCount ?? Number.NEGATIVE_INFINITY;
  return !isDone && !isAtEnd && keyCount >= leastKeys && keyCount >= triedAt + PAGES_AHEAD * PAGE_KEYS;
}
