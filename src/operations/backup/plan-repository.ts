import type { Digest } from "../../oci/digest.ts";
import { BrokenLinkError } from "../../registry/errors.ts";
import { DigestTable } from "../../registry/graph/digest-table.ts";
import { readLink } from "../../registry/link.ts";
import { tagCurrentLinkPath } from "../../registry/paths.ts";
import { scanRepository } from "../../registry/scan/scan-repositories.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type ManifestNeeds, needsOf, readCheckedManifest } from "./checked-manifest.ts";
import type { WantedBlob } from "./copy-blobs.ts";
import { type JudgedManifest, judgeManifests } from "./judge-manifests.ts";
import type { DifferingTag, LackingManifest } from "./restore-report.ts";
import type { SnapshotLayer, SnapshotManifest, SnapshotRepository, SnapshotTag } from "./snapshot-records.ts";
import type { BlobSizes } from "./stored-blobs.ts";

/** What {@link planRepository} looks at. */
export interface PlanningStores {
  backup: StorageDriver;
  target: StorageDriver;
  ofBackup: BlobSizes;
  ofTarget: BlobSizes;
  /** Blobs that could not be copied: as if the backup did not have them. */
  unusable: ReadonlySet<Digest>;
  concurrency: number;
}

/** What is to be done to restore a repository. */
export interface RepositoryPlan {
  /** What the target lacks. */
  blobs: WantedBlob[];
  layerLinks: SnapshotLayer[];
  /** With how many indexes lead from each to a manifest that lists none, at the most. */
  revisionLinks: (SnapshotManifest & { depth: number })[];
  /** Manifests that can be pulled when all is done. */
  complete: Set<Digest>;
  sameManifests: number;
  /** That the target does not have, or that point elsewhere there. */
  tags: { tag: SnapshotTag; differs: DifferingTag | undefined }[];
  sameTags: number;
  lacking: LackingManifest[];
  /** Of the tags of the snapshot. */
  lackingTags: number;
}

/** Compares a repository of a snapshot with what a target has, and finds out what of it can be had. */
export async function planRepository(
  record: SnapshotRepository,
  stores: PlanningStores,
): Promise<RepositoryPlan> {
  const there = await linksOf(stores.target, record.name);
  const sources = new BlobSources(record, stores);
  const judged = await judgeManifests(record, {
    concurrency: stores.concurrency,
    has: async (digest) => (await sources.whereIs(digest)) !== "nowhere",
    needsOf: (digest) => sources.readManifest(digest),
  });
  const plan: RepositoryPlan = {
    ...{ blobs: [], layerLinks: [], revisionLinks: [], sameManifests: 0, tags: [], sameTags: 0 },
    ...{ complete: new Set(), lacking: [], lackingTags: 0 },
  };
  const complete = record.manifests.filter(({ digest }) => judged.get(digest)?.lacks === undefined);
  plan.complete = new Set(complete.map(({ digest }) => digest));
  plan.revisionLinks = complete
    .filter(({ digest }) => !there.revisions.has(digest))
    .map((manifest) => ({ ...manifest, depth: judged.get(manifest.digest)?.depth ?? 0 }));
  plan.sameManifests = complete.length - plan.revisionLinks.length;
  const needed = new Set(complete.flatMap(({ digest }) => judged.get(digest)?.blobs ?? []));
  plan.layerLinks = record.layers.filter(({ digest }) => needed.has(digest) && !there.layers.has(digest));
  plan.blobs = await sources.wanted([...plan.complete, ...needed]);
  await planTags(plan, record, { stores, judged, there });
  return plan;
}

interface TargetLinks {
  revisions: ReadonlySet<Digest>;
  layers: ReadonlySet<Digest>;
  tags: ReadonlySet<string>;
}

async function linksOf(target: StorageDriver, name: string): Promise<TargetLinks> {
  const table = new DigestTable();
  const failures: ScanFailure[] = [];
  const entries = await scanRepository(
    target,
    { name, parts: ["_layers", "_manifests"], files: [] },
    { table, onStray: () => undefined, onFailure: (failure) => void failures.push(failure) },
  );
  for (const { error } of failures) throw error;
  const digests = (ids: Iterable<number> = []): Set<Digest> =>
    new Set([...ids].map((id) => table.digestOf(id)));
  return {
    revisions: digests(entries?.revisions.ids()),
    layers: digests(entries?.layers.ids()),
    tags: new Set(entries?.tags.keys()),
  };
}

/** Where the blobs of a repository are to be had from. */
class BlobSources {
  readonly #stores: PlanningStores;
  readonly #storedAs: ReadonlyMap<Digest, Digest>;
  /** Manifests whose bytes in the target are not what their name says. */
  readonly #damaged = new Set<Digest>();
  /** As the snapshot says, -1 if it does not. */
  readonly #sizes: ReadonlyMap<Digest, number>;

  constructor(record: SnapshotRepository, stores: PlanningStores) {
    this.#stores = stores;
    this.#storedAs = new Map(record.layers.map(({ digest, storedAs }) => [digest, storedAs]));
    this.#sizes = new Map([
      ...record.layers.map(({ digest, sizeBytes }) => [digest, sizeBytes] as const),
      ...record.manifests.map(({ digest, sizeBytes }) => [digest, sizeBytes] as const),
    ]);
  }

  /** @returns undefined if it is not to be had; one that is damaged in the target is taken from the backup */
  async readManifest(digest: Digest): Promise<ManifestNeeds | undefined> {
    const { backup, target } = this.#stores;
    for (;;) {
      const where = await this.whereIs(digest);
      if (where === "nowhere") return undefined;
      const read = await readCheckedManifest(where === "target" ? target : backup, digest);
      if (read.kind === "read") return needsOf(read.bytes, read.manifest);
      if (where === "backup") return undefined;
      this.#damaged.add(digest);
    }
  }

  /** A blob of another size than in the snapshot is damaged: the backup's is taken, if there is one. */
  async whereIs(digest: Digest): Promise<"target" | "backup" | "nowhere"> {
    const { ofBackup, ofTarget, unusable } = this.#stores;
    const stored = this.#storedAs.get(digest) ?? digest;
    const said = this.#sizes.get(digest) ?? -1;
    const inTarget = this.#damaged.has(stored) ? undefined : await ofTarget.sizeOf(stored);
    if (inTarget !== undefined && (said < 0 || inTarget === said)) return "target";
    const inBackup = unusable.has(stored) ? undefined : await ofBackup.sizeOf(stored);
    return inBackup === undefined ? "nowhere" : "backup";
  }

  async wanted(digests: readonly Digest[]): Promise<WantedBlob[]> {
    const wanted = new Map<Digest, WantedBlob>();
    for (const digest of digests) {
      if ((await this.whereIs(digest)) !== "backup") continue;
      const stored = this.#storedAs.get(digest) ?? digest;
      const sizeBytes = (await this.#stores.ofBackup.sizeOf(stored)) ?? -1;
      wanted.set(stored, { digest: stored, sizeBytes });
    }
    return [...wanted.values()];
  }
}

async function planTags(
  plan: RepositoryPlan,
  { name, tags, manifests }: SnapshotRepository,
  context: {
    stores: PlanningStores;
    judged: ReadonlyMap<Digest, JudgedManifest>;
    there: TargetLinks;
  },
): Promise<void> {
  const { judged, there, stores } = context;
  const lacking = new Map<Digest, LackingManifest>();
  const lack = (digest: Digest, lacks: string): LackingManifest => {
    const known = lacking.get(digest) ?? { repository: name, tags: [], digest, lacks };
    lacking.set(digest, known);
    return known;
  };
  for (const { digest } of manifests) {
    const lacks = judged.get(digest)?.lacks;
    if (lacks !== undefined) lack(digest, lacks);
  }
  for (const tag of tags) {
    const manifest = judged.get(tag.digest);
    if (manifest === undefined || manifest.lacks !== undefined) {
      lack(tag.digest, manifest?.lacks ?? tag.digest).tags.push(tag.name);
      plan.lackingTags++;
      continue;
    }
    const before = there.tags.has(tag.name) ? await targetOf(stores.target, name, tag.name) : undefined;
    if (before === tag.digest) plan.sameTags++;
    else {
      const differs =
        before === undefined ? undefined : { repository: name, tag: tag.name, before, after: tag.digest };
      plan.tags.push({ tag, differs });
    }
  }
  plan.lacking = [...lacking.values()];
}

/** @returns where a tag points to, "" if that cannot be read; undefined if it does not exist */
async function targetOf(target: StorageDriver, repository: string, tag: string): Promise<string | undefined> {
  try {
    return await readLink(target, tagCurrentLinkPath(repository, tag));
  } catch (error) {
    if (error instanceof BrokenLinkError) return "";
    throw error;
  }
}
