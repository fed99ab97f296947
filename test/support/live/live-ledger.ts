import type { LiveImage } from "./live-image.ts";

/** What has happened while clients and commands worked on one registry. */
export class LiveLedger {
  /** Acknowledged tags, by `repository:tag`. */
  readonly tags = new Map<string, LiveImage>();
  readonly counts = {
    pushes: 0,
    pulls: 0,
    /** Writes that were answered 405 and sent again. */
    refused: 0,
    /** Writes that were answered 503 and sent again. */
    postponed: 0,
    collections: 0,
    blobsDeleted: 0,
    manifestsDeleted: 0,
    /** Acknowledged images of which something had been deleted before. */
    broughtBack: 0,
    restarts: 0,
    reconfigured: 0,
    readOnlyWindows: 0,
    manifestReads: 0,
  };
  /** What must not happen. */
  readonly failures: string[] = [];
  /** Digests that a collection has deleted and nobody has pushed again since. */
  readonly #deleted = new Set<string>();
  #readOnlyWindows = 0;
  #lastReadOnlyMs = 0;

  /** Digests that are gone. */
  deleted(digests: Iterable<string>): void {
    for (const digest of digests) this.#deleted.add(digest);
  }

  /** @returns whether something of the image has been deleted and not been pushed again */
  isDeleted(image: LiveImage): boolean {
    return [...image.blobs, ...image.manifests].some(({ digest }) => this.#deleted.has(digest));
  }

  /** An image is acknowledged under a tag. */
  acknowledged(reference: string, image: LiveImage): void {
    this.tags.set(reference, image);
    this.counts.pushes++;
    if (this.isDeleted(image)) this.counts.broughtBack++;
    for (const { digest } of [...image.blobs, ...image.manifests]) this.#deleted.delete(digest);
  }

  /** From now on, until `closeReadOnly`, writes may be refused. */
  openReadOnly(): void {
    this.#readOnlyWindows++;
    this.counts.readOnlyWindows++;
  }

  /** The registry takes writes again. */
  closeReadOnly(): void {
    this.#readOnlyWindows--;
    this.#lastReadOnlyMs = Date.now();
  }

  /** Whether a request that was sent at that time may have been refused. */
  mayRefuse(sentMs: number): boolean {
    return this.#readOnlyWindows > 0 || sentMs <= this.#lastReadOnlyMs;
  }

  fail(what: string): void {
    if (this.failures.length < 100) this.failures.push(`${new Date().toISOString()} ${what}`);
  }
}
