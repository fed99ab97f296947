import { createHash } from "node:crypto";
import { PathNotFoundError, RegistryCtlError } from "../../errors.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { TIMES_FILE } from "../paths.ts";
import { RECORD_BYTES, timeIn } from "./time-records.ts";

/*
 * What the file consists of; numbers are big-endian:
 * - the magic word, the version (4 bytes) and the number of rounds (4)
 * - for each round, the last one first: copiedBeforeMs (8), and how many records it has (8)
 * - the records of the rounds, one round behind the other, sorted
 * - the SHA-256 of all of this
 */
const MAGIC = Buffer.from("rctltime");
const VERSION = 1;
const START_BYTES = MAGIC.length + 8;
const ROUND_BYTES = 16;
const SUM_BYTES = 32;
const CHUNK_BYTES = 1024 * 1024;
/** Times of an object store are cut to full seconds: a file was written less than this behind its time. */
const COARSE_MS = 1000;

/** The times file of a store is damaged, or of a version that this program does not know. */
export class InvalidTimesFileError extends RegistryCtlError {
  override readonly name: string = "InvalidTimesFileError";
  constructor(why: string) {
    super("ERR_TIMES_FILE", `${TIMES_FILE} cannot be used: ${why}`, {
      hint: "files that were copied here count as changed when they were copied; remove it to be told no more",
    });
  }
}

/** The times of the files that one round of copying has written. */
export interface TimesRound {
  /** By the clock of the store when the round had ended: what is written to the store later is not from this round. */
  copiedBeforeMs: number;
  /** Sorted, see `sortRecords`. */
  records: Buffer;
}

/** When files were changed in the store that they were copied from. Takes 16 bytes for each file. */
export class OriginalTimes {
  /** The last one first. */
  readonly rounds: readonly TimesRound[];

  constructor(rounds: readonly TimesRound[]) {
    this.rounds = rounds;
  }

  /** @throws {InvalidTimesFileError} */
  static parse(content: Uint8Array): OriginalTimes {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const end = bytes.length - SUM_BYTES;
    if (end < START_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
      throw new InvalidTimesFileError("it is no times file");
    const version = bytes.readUInt32BE(MAGIC.length);
    if (version !== VERSION) throw new InvalidTimesFileError(`it has version ${version}, not ${VERSION}`);
    const sum = createHash("sha256").update(bytes.subarray(0, end)).digest();
    if (!bytes.subarray(end).equals(sum)) throw new InvalidTimesFileError("its checksum is wrong");
    return new OriginalTimes(parseRounds(bytes.subarray(0, end)));
  }

  /**
   * @param modifiedMs - what the store says of the file
   * @returns when it was changed where it was copied from; `modifiedMs` if that is not known, or the file was written since
   */
  originalMs(path: string, modifiedMs: number): number {
    for (const { copiedBeforeMs, records } of this.rounds) {
      if (modifiedMs + COARSE_MS > copiedBeforeMs) return modifiedMs;
      const original = timeIn(records, path);
      if (original !== undefined) return original;
    }
    return modifiedMs;
  }
}

function parseRounds(bytes: Buffer): TimesRound[] {
  const count = bytes.readUInt32BE(MAGIC.length + 4);
  let at = START_BYTES + count * ROUND_BYTES;
  if (at > bytes.length) throw new InvalidTimesFileError("it is cut off");
  const rounds = Array.from({ length: count }, (_, index) => {
    const offset = START_BYTES + index * ROUND_BYTES;
    const copiedBeforeMs = Number(bytes.readBigUInt64BE(offset));
    const start = at;
    at += Number(bytes.readBigUInt64BE(offset + 8)) * RECORD_BYTES;
    return { copiedBeforeMs, records: bytes.subarray(start, at) };
  });
  if (at !== bytes.length) throw new InvalidTimesFileError("it has another size than it says");
  return rounds;
}

/** @returns how many bytes the file has */
export function timesFileBytes(rounds: readonly TimesRound[]): number {
  const recordBytes = rounds.reduce((sum, { records }) => sum + records.length, 0);
  return START_BYTES + rounds.length * ROUND_BYTES + recordBytes + SUM_BYTES;
}

/** The file, piece by piece. @param rounds - the last one first */
export function* timesFileChunks(rounds: readonly TimesRound[]): Generator<Buffer> {
  const sum = createHash("sha256");
  const head = Buffer.alloc(START_BYTES + rounds.length * ROUND_BYTES);
  MAGIC.copy(head);
  head.writeUInt32BE(VERSION, MAGIC.length);
  head.writeUInt32BE(rounds.length, MAGIC.length + 4);
  for (const [index, { copiedBeforeMs, records }] of rounds.entries()) {
    const offset = START_BYTES + index * ROUND_BYTES;
    head.writeBigUInt64BE(BigInt(Math.floor(copiedBeforeMs)), offset);
    head.writeBigUInt64BE(BigInt(records.length / RECORD_BYTES), offset + 8);
  }
  sum.update(head);
  yield head;
  for (const { records } of rounds) {
    for (let at = 0; at < records.length; at += CHUNK_BYTES) {
      const chunk = records.subarray(at, at + CHUNK_BYTES);
      sum.update(chunk);
      yield chunk;
    }
  }
  yield sum.digest();
}

/**
 * @returns undefined if nothing was copied into the store by us, or it keeps the times itself
 * @throws {InvalidTimesFileError}
 */
export async function readOriginalTimes(driver: StorageDriver): Promise<OriginalTimes | undefined> {
  try {
    return OriginalTimes.parse(await driver.get(TIMES_FILE));
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}
