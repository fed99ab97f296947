import type { ScannedFile } from "../abilities.ts";
import { compareKeys } from "../key-order.ts";
import { S3ConnectionError } from "./s3-lane.ts";
import type { ListedPage, PagePosition } from "./s3-listing.ts";
import type { ListedObject } from "./xml/read-listing.ts";

/** A stretch of the keys of a scan, listed page by page. */
export class ScanRange {
  /** Keys behind it belong to the range. */
  readonly after: string;
  /** It was cut off from another one. */
  readonly isOfSplit: boolean;
  /** The last key that may belong to it; undefined: to the end of the scan. */
  upTo: string | undefined;
  /** Where the next page begins. */
  position: PagePosition | undefined;
  /** Up to it, everything has been listed. */
  lastKey: string;
  /** Pages that nobody has taken yet. */
  readonly pages: ScannedFile[][] = [];
  /** How many keys have come. */
  keyCount = 0;
  isListing = false;
  isDone = false;
  /** How many keys had come when it was last tried in vain to split the range. */
  triedAtKeyCount: number | undefined;
  /** The store has said that there is no more, and is asked again. */
  #isEndAsked = false;

  constructor(after: string, upTo: string | undefined, isOfSplit = false) {
    this.after = after;
    this.isOfSplit = isOfSplit;
    this.upTo = upTo;
    this.lastKey = after;
    this.position = after === "" ? undefined : { after };
  }

  /**
   * Notes what a page says of the range.
   *
   * @returns its objects that belong to the range
   * @throws {S3ConnectionError} if the page does not go on where the range was: then nothing may be said of what there is
   */
  advance(page: ListedPage): ListedObject[] {
    const first = page.objects[0]?.key;
    const last = page.objects.at(-1)?.key;
    if (first === undefined || last === undefined) {
      this.#goOn(page.next);
      return [];
    }
    this.#isEndAsked = false;
    const isBehind = this.lastKey === "" || compareKeys(first, this.lastKey) > 0;
    if (!isBehind || compareKeys(first, last) > 0)
      throw new S3ConnectionError(`a listing is not in order: ${first} comes behind ${this.lastKey}`);
    this.lastKey = last;
    const objects = this.#ownOf(page.objects);
    this.keyCount += objects.length;
    if (this.#isBeyond(last)) this.isDone = true;
    else this.#goOn(page.next);
    return objects;
  }

  /** Whether nothing more is expected, though that is still to be confirmed. */
  get isAtEnd(): boolean {
    return this.#isEndAsked;
  }

  /** Leaves the keys behind `bounds` to ranges of their own. */
  splitAt(bounds: readonly string[]): ScanRange[] {
    const open = bounds.filter((bound) => compareKeys(bound, this.lastKey) > 0);
    const behind = open.map((bound, index) => new ScanRange(bound, open[index + 1] ?? this.upTo, true));
    this.upTo = open[0] ?? this.upTo;
    return behind;
  }

  /**
   * What a listing leaves out would be taken for garbage, or for what nothing refers to, and stores have ended listings too
   * early. So the end counts only when nothing is found behind it.
   */
  #goOn(next: PagePosition | undefined): void {
    const isEnd = next === undefined;
    this.isDone = isEnd && (this.#isEndAsked || this.lastKey === "");
    this.position = isEnd && this.lastKey !== "" ? { after: this.lastKey } : next;
    this.#isEndAsked = isEnd;
  }

  #ownOf(objects: ListedObject[]): ListedObject[] {
    let count = objects.length;
    while (count > 0 && this.#isBeyond(objects[count - 1]?.key ?? "")) count--;
    return count === objects.length ? objects : objects.slice(0, count);
  }

  #isBeyond(key: string): boolean {
    return this.upTo !== undefined && compareKeys(key, this.upTo) > 0;
  }
}
