import { CancelledError, RegistryCtlError, StorageFullError, StorageUnavailableError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { canSetTimes } from "../../storage/abilities.ts";
import { blobDataPath } from "../paths.ts";
import { statSmallFile } from "../small-file.ts";
import { copyBlob } from "./copy-blob.ts";
import type { CopyOutcome } from "./copy-context.ts";
import { copyTagFile } from "./copy-tag-file.ts";
import type { KnownFile } from "./look-at-file.ts";
import type { BegunWork, LowWater } from "./low-water.ts";
import type { RepositoryGate } from "./repository-gate.ts";
import { addFailure, addFile } from "./sync-counts.ts";
import type { SyncSession } from "./sync-session.ts";
import type { SyncedFile } from "./synced-file.ts";

/** A file of the source that the target lacks, or has otherwise. */
export interface CopyJob {
  synced: SyncedFile;
  file: KnownFile;
  /** What the target has in its place. */
  target: KnownFile | undefined;
  gate: RepositoryGate | undefined;
  lowWater: LowWater;
  work: BegunWork;
  /** It may only be copied if the blob that it names is at the target, and why that is not known. */
  needsBlob: "young" | "unlisted" | undefined;
}

/** What became of a file. */
export type JobOutcome =
  | CopyOutcome
  | { kind: "same" }
  /** To be copied by the next run. */
  | { kind: "left" }
  /** What it names is not at the target. */
  | { kind: "withheld" };

/**
 * Copies one file and counts it.
 *
 * @returns false if it has failed, which is noted
 * @throws {StorageFullError}
 * @throws {StorageUnavailableError} if nothing goes well any more
 */
export async function runCopyJob(session: SyncSession, job: CopyJob): Promise<boolean> {
  const { options, outage } = session;
  const begunMs = outage.begin();
  try {
    const outcome = await copyFile(session, job);
    await count(session, job, outcome);
    job.lowWater.end(job.work);
    outage.succeeded();
    session.tick();
    return true;
  } catch (error) {
    if (options.signal.aborted) throw new CancelledError("cancelled", { cause: error });
    if (!(error instanceof RegistryCtlError) || error instanceof StorageFullError) throw error;
    noteFailure(session, job, error);
    if (!(error instanceof StorageUnavailableError)) outage.succeeded();
    else if (outage.failed(begunMs)) throw error;
    return false;
  }
}

async function copyFile(session: SyncSession, job: CopyJob): Promise<JobOutcome> {
  const { source, target, copying, options } = session;
  const { synced, file } = job;
  if (synced.kind === "tag" || synced.kind === "other") {
    const outcome = await copyTagFile(session, job);
    if (outcome) return outcome;
  }
  if (synced.isBelowTags && session.mayNameMissing(job.gate)) return { kind: "withheld" };
  if (job.needsBlob && synced.digest) {
    const blob = await statSmallFile(target, blobDataPath(synced.digest));
    if (!blob) return { kind: job.needsBlob === "young" ? "left" : "withheld" };
  }
  if (options.dryRun) return { kind: "copied", sizeBytes: file.sizeBytes, serverSide: false };
  const digest = synced.kind === "blob" ? synced.digest : undefined;
  return copyBlob(
    source,
    target,
    { digest, from: file.path, to: file.path, sizeBytes: file.sizeBytes },
    copying,
  );
}

async function count(session: SyncSession, job: CopyJob, outcome: JobOutcome): Promise<void> {
  const { result, held } = session;
  const { synced, file } = job;
  switch (outcome.kind) {
    case "copied":
      await keepTime(session, file);
      addFile(result.copied, outcome.sizeBytes);
      if (outcome.serverSide) addFile(result.serverSide, outcome.sizeBytes);
      return;
    case "same":
      addFile(result.same, file.sizeBytes);
      return;
    case "vanished":
      result.vanished++;
      session.holdBack(synced, job.gate, "left");
      return;
    case "left":
      addFile(result.left, file.sizeBytes);
      if (synced.kind === "tag" && job.target) held.holdStaleTag();
      return;
    case "withheld":
      addFile(result.withheld, file.sizeBytes);
      session.holdBack(synced, job.gate, "failed");
      if (synced.kind === "tag" && job.target) held.holdStaleTag();
      return;
    case "damaged":
      if (synced.digest) held.holdDamaged({ path: file.path, digest: synced.digest, why: outcome.why });
  }
}

/** The target keeps when a file was written at the source, on which ages count; or somebody notes it. */
async function keepTime({ target, options }: SyncSession, { path, modifiedMs }: KnownFile): Promise<void> {
  if (options.dryRun) return;
  if (canSetTimes(target)) await target.setModified(path, modifiedMs);
  else options.times?.note(path, modifiedMs);
}

function noteFailure(session: SyncSession, job: CopyJob, error: Error): void {
  addFailure(session.result, job.file.path, messageOf(error));
  session.holdBack(job.synced, job.gate, "failed");
}
