/** Rates are taken over so long a time: long enough to be steady, short enough to follow what happens. */
const WINDOW_MS = 20_000;
/** Samples that come sooner after another are left out. */
const SAMPLE_EVERY_MS = 500;
/** A rate over less than this says nothing. */
const MIN_SPAN_MS = 1000;

/** How fast a count grows, over the last twenty seconds. Times must come from a clock that nobody sets. */
export class RateMeter {
  #samples: { atMs: number; count: number }[] = [];

  /** @param count - how many there are at `atMs`; one that is smaller than before begins anew */
  sample(atMs: number, count: number): void {
    const last = this.#samples.at(-1);
    if (last && count < last.count) this.#samples = [];
    else if (last && atMs - last.atMs < SAMPLE_EVERY_MS) return;
    this.#samples.push({ atMs, count });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= WINDOW_MS)
      this.#samples.shift();
  }

  /** @returns how many come in a second, up to now; undefined as long as that cannot be told */
  perSecond(nowMs: number, count: number): number | undefined {
    const first = this.#samples[0];
    if (!first || nowMs - first.atMs < MIN_SPAN_MS) return undefined;
    return ((count - first.count) * 1000) / (nowMs - first.atMs);
  }
}
