import { mapInOrder } from "../../lib/map-in-order.ts";
import { printableLine } from "../../lib/printable.ts";
import type { Digest } from "../../oci/digest.ts";
import { UnlistedFolders } from "../../registry/copy/unlisted-folders.ts";
import { DigestTable } from "../../registry/graph/digest-table.ts";
import { isParked } from "../../registry/parked.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import { scanFiles } from "../../registry/scan/scan-files.ts";
import { repositoryNameOf, scanRepositories, scanRepository } from "../../registry/scan/scan-repositories.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import { BackupBlobs } from "./backup-blobs.ts";
import type { SnapshotId } from "./backup-layout.ts";
import type { WantedBlob } from "./copy-blobs.ts";
import type { CreateDependencies, CreateOptions } from "./create-backup.ts";
import { type LeavingOut, leaveOutAbsent } from "./leave-out-absent.ts";
import { ProblemLog } from "./problem-log.ts";
import { RecordSpool } from "./record-spool.ts";
import { RepositoryLinks } from "./repository-links.ts";
import { SnapshotCounter } from "./snapshot-counter.ts";
import type { BackupProblem, SnapshotCounts, SnapshotRepository } from "./snapshot-records.ts";
import type { StoredBlobs } from "./stored-blobs.ts";
import { type TakenRepository, takeRepository } from "./take-repository.ts";
import { writeSnapshot } from "./write-snapshot.ts";

/** Repositories that are read at a time. */
const REPOSITORIES_AT_ONCE = 8;
/** So many blobs are wanted at the most before they are copied. */
const BATCH_BLOBS = 5000;
/** How often repositories are read again from which blobs have gone, as long as they change. */
const MAX_AGAIN = 20;
/** A blob is missing, and not moved on from, if its repository has been the same so often. */
const MAX_UNCHANGED = 2;
/** How often what could not be listed is: most of it is not there for a moment only. */
const MAX_LISTED_AGAIN = 3;

/** A folder that could not be listed. */
interface UnlistedFolder {
  path: string;
  error: string;
}

/** One run of `backup create`, step by step; see `createBackup`. */
export class BackupRun {
  readonly problems = new ProblemLog();
  readonly warnings: string[] = [];
  counts: SnapshotCounts = { repositories: 0, tags: 0, manifests: 0, blobs: 0, bytes: 0 };
  readonly #dependencies: CreateDependencies;
  readonly #options: CreateOptions;
  readonly #blobs: BackupBlobs;
  readonly #spool = new RecordSpool();
  /** By the names of repositories. */
  readonly #indexes = new Map<string, number>();
  /** By repository, as they may be read again. */
  readonly #problemsOf = new Map<string, BackupProblem[]>();
  /** Folders that could not be listed. */
  readonly #toldPaths = new Set<string>();
  #phase: "links" | "blobs" | "snapshot" = "links";
  #manifests = 0;

  constructor(dependencies: CreateDependencies, options: CreateOptions, stored: StoredBlobs) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#blobs = new BackupBlobs(dependencies, options, stored, () => this.#tick());
  }

  /** What was copied so far. */
  get copied(): { files: number; bytes: number } {
    return this.#blobs.copied;
  }

  get isEmpty(): boolean {
    return this.#spool.length === 0;
  }

  /** Takes down what all repositories have, and stores their manifests. */
  async takeLinks(): Promise<void> {
    const { source, signal } = this.#dependencies;
    const table = new DigestTable();
    const unlisted = new UnlistedFolders(source, true);
    const repositories = scanRepositories(source, {
      ...{ table, signal, onStray: () => undefined },
      onFailure: (failure) => void unlisted.add(failure),
    });
    const taken = mapInOrder(repositories, REPOSITORIES_AT_ONCE - 1, (entries) => this.#take(entries, table));
    for await (const repository of taken) {
      this.#keep(repository);
      this.#tick();
    }
    await this.#takeUnlisted(await unlisted.judge());
  }

  /** A folder may have gone and come back while it was listed, and another may really be unreadable. */
  async #takeUnlisted(failures: readonly UnlistedFolder[]): Promise<void> {
    let open = failures;
    for (let round = 0; round < MAX_LISTED_AGAIN && open.length > 0; round++) {
      const { source, signal } = this.#dependencies;
      const unlisted = new UnlistedFolders(source, true);
      const onFailure = (failure: ScanFailure): void => void unlisted.add(failure);
      const names = new Set<string>();
      for (const { path } of open) {
        const name = repositoryNameOf(`${path}/`);
        if (name !== undefined) names.add(name);
        else {
          for await (const batch of scanFiles(source, path, { onFailure, signal })) {
            for (const file of batch) names.add(repositoryNameOf(file.path) ?? "");
          }
        }
      }
      names.delete("");
      for (const name of names) this.#keep(await this.#takeByName(name, onFailure));
      open = await unlisted.judge();
    }
    this.#tellUnlisted(open);
  }

  /** Copies configs and layers. */
  async copyLayers(): Promise<void> {
    this.#phase = "blobs";
    let wanted = new Map<Digest, WantedBlob>();
    for (const [, record] of this.#spool.entries()) {
      await this.#blobs.addWanted(record, wanted);
      if (wanted.size < BATCH_BLOBS) continue;
      await this.#blobs.copy(wanted);
      wanted = new Map();
    }
    await this.#blobs.copy(wanted);
  }

  /** Reads repositories again from which something has gone meanwhile. */
  async takeAgain(): Promise<void> {
    const unchanged = new Map<string, number>();
    for (let round = 0; round < MAX_AGAIN; round++) {
      const gone = this.#blobs.takeVanished();
      if (gone.size === 0) return;
      const wanted = new Map<Digest, WantedBlob>();
      for (const [index, { name, layers }] of this.#spool.entries()) {
        const times = unchanged.get(name) ?? 0;
        if (times >= MAX_UNCHANGED || !layers.some(({ storedAs }) => gone.has(storedAs))) continue;
        const taken = await this.#takeWhole(name);
        if (!this.#spool.replace(index, taken?.record)) unchanged.set(name, times + 1);
        this.#problemsOf.set(name, taken?.problems ?? []);
        if (taken) await this.#blobs.addWanted(taken.record, wanted);
      }
      await this.#blobs.copy(wanted);
    }
  }

  /** Leaves out of the records what is not in the backup, tells what that breaks, and counts. */
  async settle(): Promise<void> {
    this.#phase = "snapshot";
    const counter = new SnapshotCounter(this.#options.metadataOnly);
    const leavingOut: LeavingOut = {
      backup: this.#dependencies.backup,
      stored: this.#blobs.stored,
      whyBad: (digest) => this.#blobs.whyBad(digest),
      onProblem: (problem) => this.problems.add(problem),
      concurrency: this.#options.concurrency,
    };
    for (const [index, record] of this.#spool.entries()) {
      for (const problem of this.#problemsOf.get(record.name) ?? []) this.problems.add(problem);
      if (!this.#options.metadataOnly) {
        await leaveOutAbsent(record, leavingOut);
        this.#spool.replace(index, record);
      }
      counter.add(record);
      this.#tick();
    }
    this.counts = counter.counts;
  }

  /** Makes the backup one that is listed. */
  async writeSnapshot(id: SnapshotId, startedMs: number): Promise<void> {
    const { backup, nowMs, signal } = this.#dependencies;
    const { sourceName: source, metadataOnly, tagsOnly } = this.#options;
    const createdAt = new Date(startedMs).toISOString();
    const spool = this.#spool;
    const records = async function* (): AsyncGenerator<SnapshotRepository> {
      for (const [, record] of spool.entries()) yield record;
    };
    await writeSnapshot(
      backup,
      { type: "snapshot", schemaVersion: 1, id, createdAt, source, metadataOnly, tagsOnly },
      records(),
      {
        signal,
        end: () => ({
          finishedAt: new Date(nowMs()).toISOString(),
          counts: this.counts,
          problems: this.problems.first,
          problemCount: this.problems.count,
        }),
      },
    );
  }

  async #take(entries: RepositoryEntries, table: DigestTable): Promise<TakenRepository | undefined> {
    const { source } = this.#dependencies;
    const { concurrency, tagsOnly } = this.#options;
    if (entries.isForeign && !isParked(entries.name)) {
      this.warnings.push(`${printableLine(entries.name)} is no name that can be pulled: it is left out`);
      return undefined;
    }
    const taken = await takeRepository(new RepositoryLinks(source, entries, table), {
      ...{ source, concurrency, tagsOnly },
      store: (digest, bytes) => this.#store(digest, bytes),
    });
    const { record, problems } = taken;
    return record.tags.length + record.manifests.length + problems.length > 0 ? taken : undefined;
  }

  /** Reads a repository until nothing of it came and went meanwhile, and tells what cannot be listed. */
  async #takeWhole(name: string): Promise<TakenRepository | undefined> {
    for (let round = 0; ; round++) {
      const unlisted = new UnlistedFolders(this.#dependencies.source, true);
      const taken = await this.#takeByName(name, (failure) => void unlisted.add(failure));
      const failures = await unlisted.judge();
      if (failures.length > 0 && round < MAX_LISTED_AGAIN) continue;
      this.#tellUnlisted(failures);
      return taken;
    }
  }

  #tellUnlisted(folders: readonly UnlistedFolder[]): void {
    for (const { path, error } of folders) {
      if (this.#toldPaths.has(path)) continue;
      this.#toldPaths.add(path);
      this.problems.add({ kind: "unlisted", path, tags: [], detail: error });
    }
  }

  async #takeByName(
    name: string,
    onFailure: (failure: ScanFailure) => void,
  ): Promise<TakenRepository | undefined> {
    const { source, signal } = this.#dependencies;
    const table = new DigestTable();
    const entries = await scanRepository(
      source,
      { name, parts: ["_layers", "_manifests"], files: [] },
      { table, signal, onFailure, onStray: () => undefined },
    );
    return entries && (await this.#take(entries, table));
  }

  /** Adds a repository to the records, or puts it in the place of what was read of it before. */
  #keep(taken: TakenRepository | undefined): void {
    if (taken === undefined) return;
    const { record, problems } = taken;
    this.#problemsOf.set(record.name, problems);
    const index = this.#indexes.get(record.name);
    if (index !== undefined) this.#spool.replace(index, record);
    else {
      this.#indexes.set(record.name, this.#spool.length);
      this.#spool.push(record);
    }
  }

  async #store(digest: Digest, bytes: Uint8Array): Promise<void> {
    this.#manifests++;
    await this.#blobs.store(digest, bytes);
    this.#tick();
  }

  #tick(): void {
    this.#dependencies.onProgress({
      phase: this.#phase,
      repositories: this.#spool.length,
      manifests: this.#manifests,
      copied: { ...this.copied },
      waiting: this.#blobs.waiting,
    });
  }
}
