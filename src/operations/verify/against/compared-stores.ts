import { setMaxListeners } from "node:events";
import type { ComparedFile } from "../../../registry/copy/compared-file.ts";
import { type ComparedSide, mergeScans } from "../../../registry/copy/merge-scans.ts";
import { OutageWatch } from "../../../registry/outage-watch.ts";
import { isRemote } from "../../../registry/remote-store.ts";
import type { ScanFailure } from "../../../storage/abilities.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { RequestMeter } from "../../gc/store-facts.ts";
import { StoreSide } from "./store-side.ts";

/** Two stores that are compared; what waits for one of them is ended when it does not answer any more. */
export class ComparedStores {
  readonly source: StoreSide;
  readonly target: StoreSide;
  /** Aborted by whoever wants the comparison, and when a store is away. */
  readonly signal: AbortSignal;
  readonly #watches: OutageWatch[];
  readonly #meters: { source: RequestMeter; target: RequestMeter };

  constructor(source: StorageDriver, target: StorageDriver, signal: AbortSignal | undefined) {
    const [one, other] = [new OutageWatch(source, signal), new OutageWatch(target, signal)];
    this.#watches = [one, other];
    this.signal = AbortSignal.any(this.#watches.map((watch) => watch.signal));
    // Each read that is under way listens.
    setMaxListeners(0, this.signal);
    // A wrapper costs a disk more than it is worth there.
    this.source = new StoreSide("source", isRemote(source) ? one.driver : source);
    this.target = new StoreSide("target", isRemote(target) ? other.driver : target);
    this.#meters = { source: new RequestMeter(source), target: new RequestMeter(target) };
  }

  get sides(): readonly [StoreSide, StoreSide] {
    return [this.source, this.target];
  }

  /** Requests since this was made, of the stores that take any. */
  get requests(): { source?: Record<string, number>; target?: Record<string, number> } {
    const { source, target } = this.#meters;
    const [ofSource, ofTarget] = [source.requests, target.requests];
    return { ...(ofSource ? { source: ofSource } : {}), ...(ofTarget ? { target: ofTarget } : {}) };
  }

  /** @returns what both have below a folder, in key order; that `_uploads` cannot be listed is not told */
  merge(
    folder: string,
    onFailure: (side: ComparedSide, failure: ScanFailure) => void,
  ): AsyncIterable<ComparedFile[]> {
    return mergeScans(this.source.driver, this.target.driver, folder, {
      onFailure: (side, failure) => {
        if (!failure.path.includes("/_uploads")) onFailure(side, failure);
      },
      signal: this.signal,
    });
  }

  /** @throws {StorageUnavailableError} if it was a store that has ended the comparison */
  requireAnswers(): void {
    for (const watch of this.#watches) watch.check();
  }
}
