import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { CancelledError, RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type SnapshotId, snapshotPath } from "./backup-layout.ts";
import {
  parseSnapshotRecord,
  type SnapshotEnd,
  type SnapshotHeader,
  type SnapshotRecord,
  type SnapshotRepository,
} from "./snapshot-records.ts";

/** A longer line is none of ours: some three million links of one repository. */
const MAX_LINE_BYTES = 400 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** A snapshot is cut off, damaged, or says what no registry can have. */
export class InvalidSnapshotError extends RegistryCtlError {
  override readonly name: string = "InvalidSnapshotError";
  readonly reason: string;
  constructor(id: string, reason: string, options: { cause?: unknown } = {}) {
    super("ERR_INVALID_SNAPSHOT", `snapshot ${id} cannot be used: ${reason}`, {
      hint: "take another snapshot; registry-ctl backup verify tells which are sound",
      ...options,
    });
    this.reason = reason;
  }
}

/** What a snapshot says of itself. */
export interface SnapshotSummary {
  header: SnapshotHeader;
  end: SnapshotEnd;
}

/**
 * Reads a snapshot to its end and compares its checksum. What `onRepository` was told is to be believed only when this has
 * resolved.
 *
 * @param onRepository - told of each repository
 * @throws {InvalidSnapshotError}
 * @throws {PathNotFoundError} if there is no such snapshot
 */
export async function readSnapshot(
  driver: StorageDriver,
  id: SnapshotId,
  onRepository: (repository: SnapshotRepository) => void | Promise<void>,
  signal: AbortSignal,
): Promise<SnapshotSummary> {
  const hash = createHash("sha256");
  let header: SnapshotHeader | undefined;
  let end: SnapshotEnd | undefined;
  for await (const { record, line } of recordsOf(driver, id, signal)) {
    if (end) throw new InvalidSnapshotError(id, "something stands behind its end");
    if (record.type === "end") {
      if (record.sha256 !== hash.digest("hex")) throw new InvalidSnapshotError(id, "its checksum is wrong");
      end = record;
      continue;
    }
    hash.update(line).update("\n");
    if (record.type === "snapshot") {
      if (header || record.id !== id) throw new InvalidSnapshotError(id, "it is called otherwise inside");
      header = record;
      continue;
    }
    if (!header) break;
    await onRepository(record);
  }
  if (!header || !end) throw new InvalidSnapshotError(id, "it is not complete");
  return { header, end };
}

async function* recordsOf(
  driver: StorageDriver,
  id: SnapshotId,
  signal: AbortSignal,
): AsyncGenerator<{ record: SnapshotRecord; line: Buffer }> {
  for await (const line of linesOf(driver, id, signal)) {
    try {
      yield { record: parseSnapshotRecord(line.toString("utf8")), line };
    } catch (cause) {
      if (cause instanceof RegistryCtlError) throw cause;
      throw new InvalidSnapshotError(id, messageOf(cause), { cause });
    }
  }
}

async function* linesOf(driver: StorageDriver, id: SnapshotId, signal: AbortSignal): AsyncGenerator<Buffer> {
  const source = await driver.read(snapshotPath(id), { signal });
  const gunzip = createGunzip();
  // Its failure is seen by whoever reads from the end of it.
  pipeline(source, gunzip).catch(() => undefined);
  let pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      let start = 0;
      for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, start)) {
        yield Buffer.concat([...pieces, chunk.subarray(start, at)]);
        pieces = [];
        bytes = 0;
        start = at + 1;
      }
      pieces.push(chunk.subarray(start));
      bytes += chunk.length - start;
      if (bytes > MAX_LINE_BYTES) throw new InvalidSnapshotError(id, "a line of it is too long");
    }
  } catch (cause) {
    if (signal.aborted) throw new CancelledError();
    if (cause instanceof RegistryCtlError) throw cause;
    throw new InvalidSnapshotError(id, `it is damaged (${messageOf(cause)})`, { cause });
  } finally {
    source.destroy();
    gunzip.destroy();
  }
  if (bytes > 0) throw new InvalidSnapshotError(id, "it is cut off");
}
