import type { Digest } from "../../oci/digest.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { needsOf, readCheckedManifest } from "./checked-manifest.ts";
import { judgeManifests } from "./judge-manifests.ts";
import type { BackupProblem, SnapshotRepository } from "./snapshot-records.ts";
import type { BlobSizes } from "./stored-blobs.ts";

/** What {@link leaveOutAbsent} looks at. */
export interface LeavingOut {
  backup: StorageDriver;
  stored: Pick<BlobSizes, "sizeOf">;
  /** Why a blob was not copied; undefined: the source does not have it. */
  whyBad: (digest: Digest) => { kind: "damaged" | "failed"; detail: string } | undefined;
  onProblem: (problem: BackupProblem) => void;
  concurrency: number;
}

/** Leaves out of a record the configs and layers that are not in the backup, gives the others their sizes, and tells what that breaks. */
export async function leaveOutAbsent(record: SnapshotRepository, leaving: LeavingOut): Promise<void> {
  const absent = new Set<Digest>();
  const present: SnapshotRepository["layers"] = [];
  for (const layer of record.layers) {
    const sizeBytes = await leaving.stored.sizeOf(layer.storedAs);
    if (sizeBytes === undefined) absent.add(layer.storedAs);
    else present.push({ ...layer, sizeBytes });
  }
  const tags = absent.size === 0 ? new Map<Digest, string[]>() : await tagsThatLack(record, absent, leaving);
  record.layers = present;
  for (const digest of absent) {
    const broken = tags.get(digest) ?? [];
    const why = leaving.whyBad(digest) ?? { kind: "missing" as const, detail: "its bytes are not there" };
    // What nobody could pull before, by tag or otherwise, is nobody's loss.
    if (why.kind === "missing" && broken.length === 0) continue;
    leaving.onProblem({ ...why, repository: record.name, tags: broken, digest });
  }
}

/** @returns the tags that cannot be pulled, by the first blob that each of them lacks */
async function tagsThatLack(
  record: SnapshotRepository,
  absent: ReadonlySet<Digest>,
  { backup, concurrency }: LeavingOut,
): Promise<Map<Digest, string[]>> {
  const judged = await judgeManifests(record, {
    concurrency,
    has: async (digest) => !absent.has(digest),
    needsOf: async (digest) => {
      const read = await readCheckedManifest(backup, digest);
      return read.kind === "read" ? needsOf(read.bytes, read.manifest) : undefined;
    },
  });
  const storedAs = new Map(record.layers.map((layer) => [layer.digest, layer.storedAs]));
  const tags = new Map<Digest, string[]>();
  for (const { name, digest } of record.tags) {
    const lacks = judged.get(digest)?.lacks;
    if (lacks === undefined) continue;
    const blob = storedAs.get(lacks) ?? lacks;
    tags.set(blob, [...(tags.get(blob) ?? []), name]);
  }
  return tags;
}
