import { mapInOrder } from "../../lib/map-in-order.ts";
import type { Digest } from "../../oci/digest.ts";
import type { ManifestNeeds } from "./checked-manifest.ts";
import type { SnapshotRepository } from "./snapshot-records.ts";

/** What {@link judgeManifests} asks. */
export interface Judging {
  /** @returns undefined if the bytes of a manifest are not to be had */
  needsOf: (digest: Digest) => Promise<ManifestNeeds | undefined>;
  /** Whether a config or layer is to be had. */
  has: (digest: Digest) => Promise<boolean>;
  /** Manifests that are read at a time. */
  concurrency: number;
}

/** What a manifest of a snapshot needs, and what of that is not to be had. */
export interface JudgedManifest {
  /** Configs and layers, by the digest under which manifests name them. */
  blobs: Digest[];
  /** The first thing that is not to be had, of it or of what an index lists; undefined: it is complete. */
  lacks: Digest | undefined;
  /** How many indexes lead from it to a manifest that lists none, at the most. */
  depth: number;
}

/**
 * Tells which manifests of a repository are complete. Entries of an index that the snapshot does not have were not at the
 * source either, and make nothing incomplete.
 */
export async function judgeManifests(
  record: SnapshotRepository,
  { needsOf, has, concurrency }: Judging,
): Promise<Map<Digest, JudgedManifest>> {
  const layers = new Map(record.layers.map(({ digest, storedAs }) => [digest, storedAs]));
  const children = new Map<Digest, Digest[]>();
  const judged = new Map<Digest, JudgedManifest>();
  const reads = mapInOrder(record.manifests, concurrency - 1, async ({ digest }) => {
    const needs = await needsOf(digest);
    if (needs === undefined) return { digest, blobs: [], children: [], lacks: digest };
    const blobs = [
      ...needs.blobs.keys(),
      ...[...needs.foreign.keys(), ...needs.children].filter((each) => layers.has(each)),
      ...(needs.isUnknown ? layers.keys() : []),
    ];
    let lacks: Digest | undefined;
    for (const blob of blobs) {
      if (needs.foreign.has(blob) || (await has(layers.get(blob) ?? blob))) continue;
      lacks = blob;
      break;
    }
    return { digest, blobs, children: needs.children, lacks };
  });
  for await (const { digest, blobs, children: listed, lacks } of reads) {
    judged.set(digest, { blobs, lacks, depth: 0 });
    if (listed.length > 0) children.set(digest, listed);
  }
  const open = [...children.keys()].map((digest) => ({ digest, isSeen: false }));
  const done = new Set<Digest>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { digest, isSeen } = next;
    if (done.has(digest)) continue;
    const listed = children.get(digest) ?? [];
    if (isSeen) {
      done.add(digest);
      judgeIndex(judged.get(digest), listed, judged);
    } else {
      // What it lists is judged first. No manifest can list itself, as it would have to know its own digest.
      open.push({ digest, isSeen: true });
      for (const child of listed)
        if (children.has(child) && !done.has(child)) open.push({ digest: child, isSeen: false });
    }
  }
  return judged;
}

function judgeIndex(
  index: JudgedManifest | undefined,
  listed: readonly Digest[],
  judged: ReadonlyMap<Digest, JudgedManifest>,
): void {
  if (index === undefined) return;
  for (const child of listed) {
    const entry = judged.get(child);
    index.lacks ??= entry?.lacks;
    index.depth = Math.max(index.depth, 1 + (entry?.depth ?? 0));
  }
}
