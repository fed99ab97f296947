import { StorageUnavailableError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { Digest } from "../../oci/digest.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import {
  type CheckedManifest,
  type ManifestNeeds,
  needsOf,
  readCheckedManifest,
} from "./checked-manifest.ts";
import type { RepositoryLinks } from "./repository-links.ts";
import type {
  BackupProblem,
  SnapshotLayer,
  SnapshotManifest,
  SnapshotRepository,
  SnapshotTag,
} from "./snapshot-records.ts";

/** A tag may be moved and its old manifest collected again and again; after so many times it is told. */
const MAX_READS_OF_TAG = 20;
/** What a tag needs is missing if that is so at so many reads in a row; at one it may just have been collected and pushed again. */
const READS_ALIKE = 2;
/** The same where that would be a loss. Most indexes only list platforms that nobody has pushed. */
const READS_IF_LOST = 3;

/** Options of {@link takeRepository}. */
export interface TakeOptions {
  source: StorageDriver;
  concurrency: number;
  /** Leaves out manifests that no tag needs, and that are attached to none that a tag needs. */
  tagsOnly: boolean;
  /** Stores the bytes of a manifest, which have its digest; with `tagsOnly` now and then of one that is left out after all. */
  store: (digest: Digest, bytes: Uint8Array) => Promise<void>;
}

/** What a repository has, and what could not be had. */
export interface TakenRepository {
  record: SnapshotRepository;
  problems: BackupProblem[];
}

/**
 * Takes down all that can be pulled from a repository while others push to it: tags first, then the closure of each, from bytes
 * whose digest was compared. What was untagged and is collected meanwhile is left out; a tag that has moved on is read again.
 */
export async function takeRepository(links: RepositoryLinks, options: TakeOptions): Promise<TakenRepository> {
  return new Taking(links, options).run();
}

/** What one file's fault is does not end a backup of the others. */
function asFailure(error: unknown): { kind: "failed"; detail: string } {
  if (error instanceof StorageUnavailableError) return { kind: "failed", detail: error.message };
  throw error;
}

/** Why a manifest is not to be had. */
interface Absence {
  kind: "missing" | "damaged" | "failed";
  detail: string;
  /** The repository has a link to it. */
  isLinked: boolean;
}

class Taking {
  readonly #links: RepositoryLinks;
  readonly #options: TakeOptions;
  readonly #tags = new Map<string, { digest: Digest; modifiedMs: number }>();
  readonly #manifests = new Map<Digest, { needs: ManifestNeeds; modifiedMs: number }>();
  /** Those of them whose bytes are in the backup. */
  readonly #stored = new Set<Digest>();
  /** Why a manifest is not among them. */
  readonly #absent = new Map<Digest, Absence>();
  /** What was looked for often enough. */
  readonly #settled = new Set<Digest>();
  readonly #problems: BackupProblem[] = [];

  constructor(links: RepositoryLinks, options: TakeOptions) {
    this.#links = links;
    this.#options = options;
  }

  async run(): Promise<TakenRepository> {
    const { tagsOnly } = this.#options;
    await this.#each(this.#links.tags, (tag) => this.#takeTag(tag));
    // Also where only tags count: one of them may be attached to what a tag needs.
    await this.#each(this.#links.revisions, (digest) => this.#takeClosure(digest, !tagsOnly));
    const kept = tagsOnly ? await this.#storeAttached() : new Set(this.#manifests.keys());
    for (const [digest, absence] of this.#absent) {
      const isOpen = !this.#manifests.has(digest) && !this.#isTold(digest);
      if (absence.kind !== "missing" && isOpen) this.#tell(digest, absence, []);
    }
    return { record: await this.#record(kept), problems: this.#problems };
  }

  async #takeTag(tag: string): Promise<void> {
    let last: Digest | undefined;
    for (let reads = 1, alike = 0; ; reads++) {
      const link = await this.#links.readTag(tag).catch(asFailure);
      if (link.kind === "gone") return;
      if (link.kind !== "link") {
        this.#problems.push({ ...link, repository: this.#links.name, tags: [tag] });
        return;
      }
      alike = link.digest === last ? alike + 1 : 1;
      last = link.digest;
      await this.#takeClosure(link.digest, true);
      if (alike > 1) for (const digest of this.#unsettled(link.digest)) await this.#takeClosure(digest, true);
      const unsettled = this.#unsettled(link.digest);
      const enough = unsettled.some((digest) => this.#isLost(digest, link.digest))
        ? READS_IF_LOST
        : READS_ALIKE;
      if (unsettled.length > 0 && alike < enough && reads < MAX_READS_OF_TAG) continue;
      for (const digest of unsettled) this.#settled.add(digest);
      this.#tags.set(tag, link);
      for (const digest of this.#lacking(link.digest)) {
        const absence = this.#absent.get(digest);
        // An index may list platforms that nobody has pushed.
        if (absence && (absence.isLinked || digest === link.digest)) this.#tell(digest, absence, [tag]);
      }
      return;
    }
  }

  /** What is not there of what a tag needs, and may have been pushed again since it was looked for. */
  #unsettled(root: Digest): Digest[] {
    return this.#lacking(root).filter((digest) => !this.#settled.has(digest));
  }

  /** A tag or a link of the repository names it. */
  #isLost(digest: Digest, root: Digest): boolean {
    const absence = this.#absent.get(digest);
    return absence?.kind === "missing" && (absence.isLinked || digest === root);
  }

  /** What is not there of a manifest and of the entries of an index, at any depth. */
  #lacking(root: Digest): Digest[] {
    const seen = new Set([root]);
    for (const digest of seen) {
      for (const child of this.#manifests.get(digest)?.needs.children ?? []) seen.add(child);
    }
    return [...seen].filter((digest) => !this.#manifests.has(digest) && !this.#links.hasScannedLayer(digest));
  }

  /**
   * Reads a manifest, and the entries of an index at any depth.
   *
   * @param stores - at once, as it may be gone a moment later
   */
  async #takeClosure(root: Digest, stores: boolean): Promise<void> {
    const open = [root];
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (this.#manifests.has(digest) || (this.#absent.has(digest) && digest !== root)) continue;
      const needs = await this.#take(digest, stores);
      open.push(...(needs?.children ?? []));
    }
  }

  async #take(digest: Digest, stores: boolean): Promise<ManifestNeeds | undefined> {
    const modifiedMs = await this.#links.revisionTime(digest).catch(asFailure);
    if (typeof modifiedMs === "object") {
      this.#absent.set(digest, { ...modifiedMs, isLinked: true });
      return undefined;
    }
    if (modifiedMs === undefined) {
      const detail = "the repository has no link to it";
      this.#absent.set(digest, { kind: "missing", detail, isLinked: false });
      return undefined;
    }
    const read = await this.#read(digest);
    if (read === undefined) return undefined;
    if (stores) await this.#store(digest, read.bytes);
    const needs = needsOf(read.bytes, read.manifest);
    this.#absent.delete(digest);
    this.#manifests.set(digest, { needs, modifiedMs });
    return needs;
  }

  /** @returns undefined if it is not to be had, which is noted */
  async #read(digest: Digest): Promise<Extract<CheckedManifest, { kind: "read" }> | undefined> {
    const read = await readCheckedManifest(this.#options.source, digest).catch(asFailure);
    if (read.kind === "read") return read;
    const detail = read.kind === "missing" ? "its bytes are not there" : read.detail;
    this.#absent.set(digest, { kind: read.kind, detail, isLinked: true });
    return undefined;
  }

  async #store(digest: Digest, bytes: Uint8Array): Promise<void> {
    await this.#options.store(digest, bytes);
    this.#stored.add(digest);
  }

  /** What tags point to, with what that needs, and what is attached to any of it, to a fixpoint. */
  #neededByTags(): Set<Digest> {
    const attached = new Map<Digest, Digest[]>();
    for (const [digest, { needs }] of this.#manifests) {
      if (needs.subject !== undefined)
        attached.set(needs.subject, [...(attached.get(needs.subject) ?? []), digest]);
    }
    const kept = new Set<Digest>();
    const open = [...this.#tags.values()].map(({ digest }) => digest);
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      const manifest = this.#manifests.get(digest);
      if (kept.has(digest) || manifest === undefined) continue;
      kept.add(digest);
      open.push(...manifest.needs.children, ...(attached.get(digest) ?? []));
    }
    return kept;
  }

  /**
   * Stores what is attached to what tags need; what was there when it was read and is no more is left out.
   *
   * @returns what tags need, with all that is attached to it
   */
  async #storeAttached(): Promise<Set<Digest>> {
    for (;;) {
      const kept = this.#neededByTags();
      const open = [...kept].filter((digest) => !this.#stored.has(digest));
      if (open.length === 0) return kept;
      await this.#each(open, async (digest) => {
        const read = await this.#read(digest);
        if (read) await this.#store(digest, read.bytes);
        else this.#manifests.delete(digest);
      });
    }
  }

  async #record(kept: ReadonlySet<Digest>): Promise<SnapshotRepository> {
    const manifests: SnapshotManifest[] = [];
    const blobs = new Map<Digest, number>();
    for (const digest of [...kept].sort()) {
      const manifest = this.#manifests.get(digest);
      if (manifest === undefined) continue;
      const { needs, modifiedMs } = manifest;
      manifests.push({ digest, modifiedMs, sizeBytes: needs.sizeBytes });
      for (const [blob, sizeBytes] of this.#blobsOf(needs)) blobs.set(blob, sizeBytes);
    }
    const layers: SnapshotLayer[] = [];
    await this.#each(blobs, async ([digest, sizeBytes]) => {
      const [modifiedMs, storedAs] = await Promise.all([
        this.#links.layerTime(digest),
        this.#links.storedDigest(digest),
      ]);
      layers.push({ digest, modifiedMs: modifiedMs ?? 0, sizeBytes, storedAs });
    });
    layers.sort((left, right) => (left.digest < right.digest ? -1 : 1));
    return { type: "repository", name: this.#links.name, tags: await this.#tagRecords(), manifests, layers };
  }

  *#blobsOf(needs: ManifestNeeds): Generator<[Digest, number]> {
    yield* needs.blobs;
    for (const [digest, size] of needs.foreign) {
      if (this.#links.hasScannedLayer(digest)) yield [digest, size];
    }
    // Caches of BuildKit list layers where others list manifests.
    for (const child of needs.children) {
      if (!this.#manifests.has(child) && this.#links.hasScannedLayer(child)) yield [child, -1];
    }
    if (needs.isUnknown) for (const digest of this.#links.layers) yield [digest, -1];
  }

  async #tagRecords(): Promise<SnapshotTag[]> {
    const tags: SnapshotTag[] = [];
    await this.#each(this.#tags, async ([name, { digest, modifiedMs }]) => {
      tags.push({ name, digest, modifiedMs, history: await this.#links.historyOf(name, digest) });
    });
    return tags.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  #isTold(digest: Digest): boolean {
    return this.#problems.some((problem) => problem.digest === digest);
  }

  #tell(digest: Digest, { kind, detail }: Absence, tags: string[]): void {
    const told = this.#problems.find((problem) => problem.digest === digest);
    if (told) told.tags.push(...tags);
    else this.#problems.push({ kind, repository: this.#links.name, tags: [...tags], digest, detail });
  }

  #each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    return forEachConcurrently(items, this.#options.concurrency, work);
  }
}
