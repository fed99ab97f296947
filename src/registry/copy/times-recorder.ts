import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { hasStoreClock } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { TIMES_FILE } from "../paths.ts";
import { RECORD_BYTES, sortRecords, writeRecord } from "./time-records.ts";
import {
  InvalidTimesFileError,
  readOriginalTimes,
  type TimesRound,
  timesFileBytes,
  timesFileChunks,
} from "./times-file.ts";

const SPOOL_NAME = "original-times.spool";
const BUFFER_BYTES = 4096 * RECORD_BYTES;
/** So much is lost of what was noted when the process dies, unless `flush` is called. */
const FLUSH_AFTER_MS = 1000;
/** Older rounds than these are kept as one. */
const MAX_ROUNDS = 16;
/** What is written to the store from now on is to have another time than what was. */
const SETTLE_MS = 1000;
const ASK_AGAIN_MS = 200;
const MAX_QUESTIONS = 25;

/**
 * Notes the times of files that are copied into a store which cannot be told times, and leaves them there. What is noted
 * lies in a file of this host, 16 bytes for each, so that a run that goes on after a crash knows of it.
 */
export class TimesRecorder {
  readonly #spoolPath: string;
  readonly #sleep: (delayMs: number) => Promise<unknown>;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #usedBytes = 0;
  /** Of whole records: a crash may have cut off the last one, and it is written over. */
  #spooledBytes: number;
  #flushedMs = 0;

  /** @param spoolFolder - a folder of this host, of one copy into one store */
  constructor(spoolFolder: string, options: { sleep?: (delayMs: number) => Promise<unknown> } = {}) {
    mkdirSync(spoolFolder, { recursive: true, mode: 0o700 });
    this.#spoolPath = join(spoolFolder, SPOOL_NAME);
    const present = statSync(this.#spoolPath, { throwIfNoEntry: false })?.size ?? 0;
    this.#spooledBytes = present - (present % RECORD_BYTES);
    this.#sleep = options.sleep ?? setTimeout;
  }

  /**
   * Notes when a file was changed where it comes from. Of several times for one path the latest counts.
   *
   * @param path - where it has been put in the target
   */
  note(path: string, modifiedMs: number): void {
    writeRecord(this.#buffer, this.#usedBytes, path, modifiedMs);
    this.#usedBytes += RECORD_BYTES;
    if (this.#usedBytes === BUFFER_BYTES || Date.now() - this.#flushedMs >= FLUSH_AFTER_MS) this.flush();
  }

  /** Puts what was noted where it outlives the process. */
  flush(): void {
    this.#flushedMs = Date.now();
    if (this.#usedBytes === 0) return;
    const file = openSync(this.#spoolPath, constants.O_WRONLY | constants.O_CREAT, 0o600);
    try {
      for (let at = 0; at < this.#usedBytes; )
        at += writeSync(file, this.#buffer, at, this.#usedBytes - at, this.#spooledBytes + at);
    } finally {
      closeSync(file);
    }
    this.#spooledBytes += this.#usedBytes;
    this.#usedBytes = 0;
  }

  /**
   * Adds what was noted, by this process and those before it that ended without this, to the times that the target has; then
   * it is noted no more. Takes a second or two: nothing may be written to the target by anybody else meanwhile.
   *
   * @throws {StorageUnavailableError} if the target does not take it; it can be done again then
   */
  async write(target: StorageDriver): Promise<void> {
    this.flush();
    if (this.#spooledBytes > 0) {
      const records = sortRecords(readFileSync(this.#spoolPath).subarray(0, this.#spooledBytes));
      const copiedBeforeMs = await this.#settledNow(target);
      await writeTimes(target, withoutTooMany([{ copiedBeforeMs, records }, ...(await roundsOf(target))]));
    }
    rmSync(this.#spoolPath, { force: true });
    this.#spooledBytes = 0;
  }

  /** The time of the store, when it is later than that of anything written so far. */
  async #settledNow(target: StorageDriver): Promise<number> {
    const now = (): Promise<number> => (hasStoreClock(target) ? target.now() : Promise.resolve(Date.now()));
    const writtenMs = await now();
    let nowMs = writtenMs;
    for (let asked = 0; nowMs < writtenMs + SETTLE_MS && asked < MAX_QUESTIONS; asked++) {
      await this.#sleep(ASK_AGAIN_MS);
      nowMs = await now();
    }
    return nowMs;
  }
}

async function roundsOf(target: StorageDriver): Promise<readonly TimesRound[]> {
  try {
    return (await readOriginalTimes(target))?.rounds ?? [];
  } catch (error) {
    // Nobody can read it any more.
    if (error instanceof InvalidTimesFileError) return [];
    throw error;
  }
}

/** What two rounds have written is known to be older than the next only up to the end of the first of them. */
function withoutTooMany(rounds: readonly TimesRound[]): TimesRound[] {
  if (rounds.length <= MAX_ROUNDS) return [...rounds];
  const oldest = rounds.slice(MAX_ROUNDS - 1);
  return [
    ...rounds.slice(0, MAX_ROUNDS - 1),
    {
      copiedBeforeMs: Math.min(...oldest.map((round) => round.copiedBeforeMs)),
      records: sortRecords(Buffer.concat(oldest.map((round) => round.records))),
    },
  ];
}

async function writeTimes(target: StorageDriver, rounds: readonly TimesRound[]): Promise<void> {
  const writer = await target.openWriter(TIMES_FILE, { expectedBytes: timesFileBytes(rounds) });
  try {
    for (const chunk of timesFileChunks(rounds)) await writer.write(chunk);
    await writer.commit();
  } catch (error) {
    await writer.cancel().catch(() => undefined);
    throw error;
  }
}
