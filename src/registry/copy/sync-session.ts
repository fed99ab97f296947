import { setMaxListeners } from "node:events";
import { ByteRate } from "../../lib/byte-rate.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { countsBusyAnswers } from "../../storage/object-store-abilities.ts";
import { FailureRow } from "../failure-row.ts";
import { Concurrency, SMALL_FILES_AT_ONCE } from "./concurrency.ts";
import type { CopyContext } from "./copy-context.ts";
import { CopyQueue } from "./copy-queue.ts";
import { ExtraFiles } from "./extra-files.ts";
import { HeldFiles } from "./held-files.ts";
import { type BegunWork, LowWater } from "./low-water.ts";
import type { RepositoryGate } from "./repository-gate.ts";
import { addFailure, newSyncResult } from "./sync-counts.ts";
import type { SyncOptions, SyncPosition } from "./sync-options.ts";
import type { SyncResult } from "./sync-result.ts";
import type { SyncedFile } from "./synced-file.ts";
import { UnlistedFolders } from "./unlisted-folders.ts";

const POSITION_EVERY_MS = 1000;
const PROGRESS_EVERY_MS = 200;

/** What the parts of one run share: the stores, what is under way, what is known, and how far it has come. */
export class SyncSession {
  readonly source: StorageDriver;
  readonly target: StorageDriver;
  readonly options: SyncOptions;
  readonly result: SyncResult = newSyncResult();
  readonly queue: CopyQueue;
  readonly copying: CopyContext;
  readonly held: HeldFiles;
  readonly extra: ExtraFiles;
  readonly unlisted: UnlistedFolders;
  readonly outage = new FailureRow();
  pass: SyncPosition["pass"];
  lowWater: LowWater;
  /** The last file that was looked at. */
  path = "";
  readonly #concurrency: Concurrency;
  #busyAnswers: number;
  /** Where the first file was not done, in a pass that is through. */
  #stuckAt: SyncPosition | undefined;
  /** For each folder that could not be listed, until it is known why. */
  #unjudged: BegunWork[] = [];
  #toldPosition = "";
  #positionToldMs = Number.NEGATIVE_INFINITY;
  #progressToldMs = Number.NEGATIVE_INFINITY;

  private constructor(
    stores: { source: StorageDriver; target: StorageDriver },
    options: SyncOptions,
    extra: ExtraFiles,
  ) {
    this.source = stores.source;
    this.target = stores.target;
    this.options = options;
    this.extra = extra;
    this.held = new HeldFiles(spoolOf(options), options.resumeAt !== undefined);
    this.unlisted = new UnlistedFolders(stores.source, options.asOfMs !== undefined);
    this.pass = options.resumeAt?.pass ?? "blobs";
    this.lowWater = new LowWater(options.resumeAt?.after ?? "");
    const { concurrency, maxBytesPerSecond } = options;
    // More than a hundred copies may listen to it.
    const signal = AbortSignal.any([options.signal]);
    setMaxListeners(0, signal);
    this.#concurrency =
      concurrency === undefined ? new Concurrency(SMALL_FILES_AT_ONCE) : Concurrency.fixed(concurrency);
    this.#busyAnswers = busyAnswersOf(stores.source) + busyAnswersOf(stores.target);
    this.queue = new CopyQueue(this.#concurrency);
    const rate = maxBytesPerSecond === undefined ? undefined : new ByteRate(maxBytesPerSecond);
    this.copying = { signal, spend: rate && ((bytes) => rate.spend(bytes, signal)) };
  }

  /** Takes up what an earlier run has left in the spool folder, if this one goes on with it. */
  static async open(
    stores: { source: StorageDriver; target: StorageDriver },
    options: SyncOptions,
  ): Promise<SyncSession> {
    return new SyncSession(stores, options, await ExtraFiles.open(spoolOf(options), options.resumeAt));
  }

  /** A pass is through. A later run begins behind it, or at the first file that was not done. */
  endPass(next: SyncPosition["pass"]): void {
    if (!this.lowWater.isDone) this.#stuckAt ??= { pass: this.pass, after: this.lowWater.position };
    this.lowWater = new LowWater("");
    this.pass = next;
    this.tellPosition();
  }

  /** A folder of the source could not be listed: what is behind it does not count as done. */
  cannotList(failure: ScanFailure): void {
    if (this.unlisted.add(failure)) this.#unjudged.push(this.lowWater.begin(this.lowWater.lastPath));
  }

  /** Tells folders that clients have removed meanwhile from those that cannot be listed. */
  async judgeUnlisted(): Promise<void> {
    if (this.#unjudged.length === 0) return;
    const unjudged = this.#unjudged;
    this.#unjudged = [];
    const staying = await this.unlisted.judge();
    for (const { path, error } of staying) addFailure(this.result, path, error);
    if (staying.length === 0) for (const work of unjudged) this.lowWater.end(work);
  }

  /** The target does not get a file: what names it is held back too. */
  holdBack(
    { kind, digest, repository, isBelowTags }: SyncedFile,
    gate: RepositoryGate | undefined,
    cause: "left" | "failed",
  ): void {
    if (cause === "failed" && gate && !isBelowTags) gate.isBroken = true;
    if (digest === undefined) return;
    if (kind === "blob") this.held.holdBlob(digest, cause);
    else if (kind === "revision" && repository !== undefined)
      this.held.holdRevision(repository, digest, cause);
  }

  /** Whether something that a tag of a repository may name could not be copied, or is not known. */
  mayNameMissing(gate: RepositoryGate | undefined): boolean {
    if (gate === undefined) return false;
    return gate.isBroken || (!this.unlisted.isEmpty && this.unlisted.concern(gate.path));
  }

  /** Tells what there is to tell, if it is time. */
  tick(): void {
    const nowMs = performance.now();
    this.#heedBusyStores();
    if (nowMs - this.#progressToldMs >= PROGRESS_EVERY_MS) this.#tellProgress();
    if (nowMs - this.#positionToldMs >= POSITION_EVERY_MS) this.tellPosition();
  }

  #tellProgress(): void {
    this.#progressToldMs = performance.now();
    const { source, copied } = this.result;
    const seen = { files: source.files, bytes: source.bytes };
    this.options.onProgress?.({ pass: this.pass, seen, copied: { ...copied }, path: this.path });
  }

  #heedBusyStores(): void {
    const busy = busyAnswersOf(this.source) + busyAnswersOf(this.target);
    if (busy > this.#busyAnswers) this.#concurrency.slowDown();
    this.#busyAnswers = busy;
  }

  /**
   * Tells how far everything is done; what a later run has to know is on disk before. What was seen up to there has been told:
   * whoever keeps the position counts by it.
   */
  tellPosition(): void {
    this.#positionToldMs = performance.now();
    this.#tellProgress();
    const position = this.#stuckAt ?? { pass: this.pass, after: this.lowWater.position };
    const told = `${position.pass} ${position.after}`;
    if (this.options.dryRun || told === this.#toldPosition) return;
    this.held.settle();
    this.extra.flush();
    this.#toldPosition = told;
    this.options.onPosition?.(position);
  }
}

function busyAnswersOf(driver: StorageDriver): number {
  return countsBusyAnswers(driver) ? driver.busyAnswers.count : 0;
}

/** A dry run leaves the lists of a real one alone. */
function spoolOf({ dryRun, spoolFolder }: SyncOptions): string | undefined {
  return dryRun ? undefined : spoolFolder;
}
