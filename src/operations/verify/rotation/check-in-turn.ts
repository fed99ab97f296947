import type { DigestId, DigestTable } from "../../../registry/graph/digest-table.ts";
import type { BlobChecksums } from "../blob-checksums.ts";
import { type ChecksumRotation, placeOf } from "./checksum-rotation.ts";

/** After so many blobs the place that was reached is told: what a run that is stopped has done need not be done again. */
const BLOBS_A_STEP = 64;

/**
 * Hashes the blobs whose turn it is, in the order of their digests.
 *
 * @param options.failures - how many files could not be read so far: behind the first of them nothing counts as reached
 * @throws {CancelledError} when the signal of `checksums` is aborted
 */
export async function checkInTurn(
  checksums: BlobChecksums,
  ids: Iterable<DigestId>,
  { table, rotation, failures }: { table: DigestTable; rotation: ChecksumRotation; failures: () => number },
): Promise<void> {
  const due: { id: DigestId; place: number }[] = [];
  const others: DigestId[] = [];
  for (const id of ids) {
    const digest = table.digestOf(id);
    if (rotation.takes(digest)) due.push({ id, place: placeOf(digest) });
    else others.push(id);
  }
  // Only counted.
  await checksums.check(others);
  const before = failures();
  due.sort((a, b) => a.place - b.place);
  for (let at = 0; at < due.length; at += BLOBS_A_STEP) {
    const step = due.slice(at, at + BLOBS_A_STEP);
    await checksums.check(step.map(({ id }) => id));
    const last = step.at(-1);
    if (last && failures() === before) rotation.reach(table.digestOf(last.id));
  }
}
