import { type Digest, digestHex } from "../../../oci/digest.ts";

/** So many hexadecimal digits of a digest say where it stands among all digests; a double holds them exactly. */
const PLACE_DIGITS = 12;
/** Where the digests end. */
export const END_OF_DIGESTS = 16 ** PLACE_DIGITS;

/** @returns where a digest stands among all that there can be: 0 up to, not including, {@link END_OF_DIGESTS} */
export function placeOf(digest: Digest): number {
  return Number.parseInt(digestHex(digest).slice(0, PLACE_DIGITS), 16);
}

/**
 * The share of all digests whose turn it is, from where the last run has stopped. As the share is one of the digests there
 * can be, not of the blobs there are, runs of N per cent have gone through all of them after 100/N, whatever was pushed and deleted
 * meanwhile; and as digests are spread evenly, it is a like share of the blobs.
 */
export class ChecksumRotation {
  /** The first place whose turn it is. */
  readonly from: number;
  /** The first place behind them. */
  readonly to: number;
  #reached: number;
  #hasGaps = false;

  /**
   * @param percent - above 0 and up to 100
   * @param from - where the last run has stopped; 0 at first
   */
  constructor(percent: number, from: number) {
    this.from = from >= 0 && from < END_OF_DIGESTS ? from : 0;
    this.to = Math.min(END_OF_DIGESTS, this.from + Math.ceil((percent / 100) * END_OF_DIGESTS));
    this.#reached = this.from;
  }

  /** Tells whether it is the turn of a blob. */
  takes(digest: Digest): boolean {
    const place = placeOf(digest);
    return place >= this.from && place < this.to;
  }

  /** All from `from` up to here are done; the next run begins here. */
  get reached(): number {
    return this.#reached;
  }

  /** Says that all blobs up to this one are done. */
  reach(digest: Digest): void {
    this.#reached = Math.min(this.to, Math.max(this.#reached, placeOf(digest) + 1));
  }

  /** Some of the blobs whose turn it was could not be read: what was gone through is not covered. */
  get hasGaps(): boolean {
    return this.#hasGaps;
  }

  /**
   * Says that all blobs whose turn it was are done.
   *
   * @param hasGaps - not all of them could be read
   */
  finish(hasGaps = false): void {
    this.#reached = this.to;
    this.#hasGaps = hasGaps;
  }
}
