import { CancelledError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { hasUnfinishedWrites } from "../../storage/object-store-abilities.ts";
import { uploadPath } from "../paths.ts";
import { type FoundUpload, findUploads, STRAYS_SHOWN } from "./find-uploads.ts";
import { lookAtUpload, readStartTime, type StartTime, type UploadName } from "./look-at-upload.ts";
import { type FailedRemoval, removeUpload } from "./remove-upload.ts";

/**
 * What was written to within this time may be in use, whatever else speaks against it: a slow client of another node may
 * need that long to fill one part of an object store.
 */
export const MAY_BE_IN_USE_MS = 3_600_000;

/** Clocks of two hosts may differ by so much: a start time later than that is none. */
const SKEW_MS = 5 * 60_000;

/** Something that was begun and never finished, and that is removed as a whole. */
export interface PurgedUpload {
  /** The upload; undefined for parts of a blob that belong to none. */
  upload: UploadName | undefined;
  /** The folder of the upload, or the blob to which the parts were written. */
  path: string;
  /** What the upload says of its start; undefined for parts. */
  started: StartTime | undefined;
  /** When anything of it was last written, by the store's clock. */
  writtenMs: number;
  /** Of all files and parts. */
  sizeBytes: number;
}

/** How far a purge is. */
export type PurgeProgress =
  | { phase: "looking"; found: number }
  | { phase: "removing"; done: number; total: number };

/** Options of {@link purgeUploads}. */
export interface PurgeOptions {
  /** The store's time, in milliseconds since 1970. */
  nowMs: number;
  /** What was begun, or written to, within this time stays. */
  olderThanMs: number;
  /** Everything is looked at in the same way, and nothing removed. */
  dryRun: boolean;
  /** How many uploads are worked on at a time. */
  concurrency: number;
  /**
   * Keeps everybody else away from an upload.
   * @returns how to let go of it; undefined if somebody is writing it
   */
  hold?: ((upload: UploadName) => (() => void) | undefined) | undefined;
  /** Called for each upload that was removed, or would be. */
  onPurged?: ((upload: PurgedUpload) => void) | undefined;
  /** Called for each thing that could not be listed, looked at or removed. */
  onFailure?: ((failure: FailedRemoval) => void) | undefined;
  onProgress?: ((progress: PurgeProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What a purge has come to, beside what it has told of while it went on. */
export interface PurgeResult {
  /** Uploads that there were, parts that belong to none not counted. */
  found: number;
  /** Uploads and parts that stay, as they are young or in use. */
  kept: number;
  /** Things among uploads that are none and stay: how many, and the first few paths. */
  strays: { count: number; first: string[] };
}

/**
 * Removes uploads of which nothing was written for some time, whether they say when they were begun or not, and parts that
 * writers have left at an object store without an upload. Nothing but the files and parts of an upload is touched, each by
 * its path. Each upload is looked at once more right before it goes. Several may purge at a time, and one that is
 * killed leaves what the next one finds.
 *
 * @throws {StorageUnavailableError} if nothing can be listed at all
 * @throws {CancelledError} between two uploads, when `signal` is aborted
 */
export async function purgeUploads(driver: StorageDriver, options: PurgeOptions): Promise<PurgeResult> {
  const { signal, onProgress, onFailure } = options;
  const found = await findUploads(driver, {
    signal,
    onProgress: (count) => onProgress?.({ phase: "looking", found: count }),
  });
  for (const { path, error } of found.failures) onFailure?.({ path, error: messageOf(error) });
  const purge = new Purge(driver, options);
  const old = found.uploads.filter((upload) => purge.isOldOrUnknown(upload.writtenMs));
  const total = old.length + found.parts.length;
  let done = 0;
  const step = async (path: string, work: () => Promise<void>): Promise<void> => {
    if (signal?.aborted) throw new CancelledError();
    try {
      await work();
    } catch (error) {
      onFailure?.({ path, error: messageOf(error) });
    }
    onProgress?.({ phase: "removing", done: ++done, total });
  };
  await forEachConcurrently(old, options.concurrency, (upload) =>
    step(uploadPath(upload.repository, upload.uuid), () => purge.upload(upload)),
  );
  await forEachConcurrently(found.parts, options.concurrency, (path) => step(path, () => purge.parts(path)));
  const kept = purge.kept + found.uploads.length - old.length;
  const count = found.strays.count + purge.foreign.length;
  const first = [...found.strays.first, ...purge.foreign].slice(0, STRAYS_SHOWN);
  return { found: found.uploads.length, kept, strays: { count, first } };
}

class Purge {
  kept = 0;
  /** What lies in folders of uploads that are no more, or never were. */
  readonly foreign: string[] = [];
  readonly #driver: StorageDriver;
  readonly #options: PurgeOptions;
  readonly #beforeMs: number;

  constructor(driver: StorageDriver, options: PurgeOptions) {
    this.#driver = driver;
    this.#options = options;
    this.#beforeMs = options.nowMs - options.olderThanMs;
  }

  isOldOrUnknown(writtenMs: number | undefined): boolean {
    return writtenMs === undefined || writtenMs < this.#beforeMs;
  }

  async upload({ repository, uuid }: FoundUpload): Promise<void> {
    const name = { repository, uuid };
    const { hold } = this.#options;
    const release = hold ? hold(name) : () => {};
    if (release === undefined) {
      this.kept++;
      return;
    }
    try {
      await this.#purgeHeld(name);
    } finally {
      release();
    }
  }

  async #purgeHeld(name: UploadName): Promise<void> {
    const state = await lookAtUpload(this.#driver, name);
    const { writtenMs, sizeBytes } = state;
    // Somebody else has removed it.
    if (writtenMs === undefined) return;
    if (state.files.length === 0 && !state.unfinished && state.foreign.length > 0) {
      this.foreign.push(...state.foreign.map(({ path }) => path));
      return;
    }
    const started = await readStartTime(this.#driver, name);
    if (writtenMs >= this.#beforeMs || this.#hasBegunLately(started)) {
      this.kept++;
      return;
    }
    if (!this.#options.dryRun) {
      const failed = await removeUpload(this.#driver, name, state, this.#beforeMs);
      for (const failure of failed) this.#options.onFailure?.(failure);
      if (failed.length > 0) return;
    }
    const path = uploadPath(name.repository, name.uuid);
    this.#options.onPurged?.({ upload: name, path, started, writtenMs, sizeBytes });
  }

  /** Removes what writers have left of a blob that they wrote to its place. The blob itself, if there is one, is not touched. */
  async parts(path: string): Promise<void> {
    const driver = this.#driver;
    if (!hasUnfinishedWrites(driver)) return;
    const amount = await driver.unfinishedAmount(path);
    if (amount === undefined) return;
    if (amount.writtenMs >= this.#beforeMs) {
      this.kept++;
      return;
    }
    if (!this.#options.dryRun) {
      await driver.abandonUnfinished(path, this.#beforeMs);
      // One that began meanwhile may be there; an old one must not.
      const left = await driver.unfinishedAmount(path);
      if (left !== undefined && left.writtenMs < this.#beforeMs) {
        const error = "is there still, although the store has answered that it is removed";
        this.#options.onFailure?.({ path, error });
        return;
      }
    }
    this.#options.onPurged?.({ upload: undefined, path, started: undefined, ...amount });
  }

  /** Where the clock of a registry was wrong, what was written tells more than when it was begun. */
  #hasBegunLately(started: StartTime): boolean {
    if (started.kind !== "told" || started.ms > this.#options.nowMs + SKEW_MS) return false;
    return started.ms >= this.#beforeMs;
  }
}
