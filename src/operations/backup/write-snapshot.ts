import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { StorageDriver } from "../../storage/driver.ts";
import { snapshotPath } from "./backup-layout.ts";
import {
  renderSnapshotRecord,
  type SnapshotEnd,
  type SnapshotHeader,
  type SnapshotRepository,
} from "./snapshot-records.ts";

/** Lines are handed on in pieces of this size, so that small ones cost little. */
const PIECE_CHARACTERS = 256 * 1024;

/**
 * Writes a snapshot. Nobody sees it before it is complete and durable.
 *
 * @param end - asked for when all repositories have been taken
 * @returns how many bytes its file has
 */
export async function writeSnapshot(
  driver: StorageDriver,
  header: SnapshotHeader,
  repositories: AsyncIterable<SnapshotRepository>,
  { end, signal }: { end: () => Omit<SnapshotEnd, "type" | "sha256">; signal: AbortSignal },
): Promise<number> {
  const writer = await driver.openWriter(snapshotPath(header.id), { signal });
  try {
    await pipeline(
      Readable.from(piecesOf(linesOf(header, repositories, end))),
      createGzip(),
      async (compressed: AsyncIterable<Buffer>) => {
        for await (const chunk of compressed) await writer.write(chunk);
      },
      { signal },
    );
    await writer.commit();
    return writer.sizeBytes;
  } catch (error) {
    await writer.cancel().catch(() => undefined);
    throw error;
  }
}

async function* linesOf(
  header: SnapshotHeader,
  repositories: AsyncIterable<SnapshotRepository>,
  end: () => Omit<SnapshotEnd, "type" | "sha256">,
): AsyncGenerator<string> {
  const hash = createHash("sha256");
  const first = renderSnapshotRecord(header);
  hash.update(first);
  yield first;
  for await (const repository of repositories) {
    const line = renderSnapshotRecord(repository);
    hash.update(line);
    yield line;
  }
  yield renderSnapshotRecord({ type: "end", ...end(), sha256: hash.digest("hex") });
}

async function* piecesOf(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let piece = "";
  for await (const line of lines) {
    piece += line;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(piece);
    piece = "";
  }
  yield Buffer.from(piece);
}
