import { type Digest, isDigest } from "../../oci/digest.ts";
import { readSmallFile, statSmallFile } from "../small-file.ts";
import { MAX_WHOLE_BYTES } from "./copy-context.ts";
import type { CopyJob, JobOutcome } from "./copy-job.ts";
import { MAX_COMPARED_BYTES } from "./look-at-file.ts";
import type { SyncSession } from "./sync-session.ts";

/**
 * Copies a file that may change at any time, a tag's link above all: what was read is what stood there before the time as
 * of which is copied, or it is left.
 *
 * @returns undefined if it is too large to be looked at as a whole
 */
export async function copyTagFile(session: SyncSession, job: CopyJob): Promise<JobOutcome | undefined> {
  const { source, target, copying, options } = session;
  const { path, sizeBytes } = job.file;
  if (sizeBytes > MAX_COMPARED_BYTES) return undefined;
  const bytes = await readSmallFile(source, path, MAX_WHOLE_BYTES);
  if (bytes === undefined) return { kind: "vanished" };
  if (job.target?.sizeBytes === bytes.length) {
    const present = await readSmallFile(target, path, MAX_WHOLE_BYTES);
    if (present && Buffer.compare(present, bytes) === 0) return { kind: "same" };
  }
  if (options.asOfMs !== undefined) {
    // Looked at behind the reading: a client may have moved the tag since it was listed.
    const stat = await statSmallFile(source, path);
    if (!stat || stat.modifiedMs >= options.asOfMs) return { kind: "left" };
  }
  if (job.synced.isBelowTags && session.mayNameMissing(job.gate)) return { kind: "withheld" };
  const cause = heldCause(session, job, bytes);
  if (cause) return { kind: cause === "left" ? "left" : "withheld" };
  if (!options.dryRun) {
    if (copying.spend) await copying.spend(bytes.length);
    await target.put(path, bytes);
  }
  return { kind: "copied", sizeBytes: bytes.length, serverSide: false };
}

function heldCause({ held }: SyncSession, { synced }: CopyJob, bytes: Uint8Array) {
  const digest = synced.kind === "tag" ? linkedDigest(bytes) : undefined;
  return digest && synced.repository !== undefined ? held.revision(synced.repository, digest) : undefined;
}

/** @returns undefined for a link that is broken at the source already */
function linkedDigest(bytes: Uint8Array): Digest | undefined {
  const text = Buffer.from(bytes).toString("latin1").trimEnd();
  return isDigest(text) ? text : undefined;
}
