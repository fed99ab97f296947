import type { Digest } from "../../oci/digest.ts";
import { DigestSet } from "../../registry/graph/digest-set.ts";
import type { DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import type { ManifestReferences } from "../../registry/graph/manifest-references.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import type { RepositoryGraph } from "../../registry/graph/repository-graph.ts";
import { originOfParked } from "../../registry/parked.ts";
import { RepositoryMarker } from "../../registry/plan/mark-repository.ts";
import { type PlannedRepository, planRepository } from "../../registry/plan/plan-repository.ts";
import { ProtectedDigests } from "../../registry/plan/protected-digests.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { DigestPool, HeldDigests } from "./held-digests.ts";
import { type PushTimes, readPushTimes } from "./push-times.ts";
import type { UsageRepository, UsageTags } from "./usage-model.ts";

/** Of a digest that some repository keeps with `garbage-collect -m`. */
export const KEPT_BY_TAG = 1;
/** Of a digest that repositories keep without `-m` only. */
export const KEPT_UNTAGGED = 2;

/** Of a protected digest that no repository has. */
export const KEPT_UNLINKED = 3;

/** Options of {@link RepositoryReader}. */
export interface RepositoryReaderOptions {
  /** What was written behind this moment is kept. */
  keepWrittenAfterMs: number;
  /** 0: ages of files do not matter. */
  graceMs: number;
  concurrency: number;
  wantsPushes: boolean;
  wantsTagNeeds: boolean;
  /** Whether it is wanted what stays without any tag. */
  wantsStanding?: boolean | undefined;
  /** Stay, whatever needs them. */
  protectedDigests?: ReadonlySet<Digest> | undefined;
  onFailure: (failure: ScanFailure) => void;
  /** Called with what is damaged. */
  onProblem: (problem: string) => void;
  onNotice: (notice: string) => void;
  signal?: AbortSignal | undefined;
}

/** Takes one repository after the other and tells what each keeps, by the rules of `garbage-collect`. */
export class RepositoryReader {
  readonly #driver: StorageDriver;
  readonly #table: DigestTable;
  readonly #references: ManifestReferences;
  readonly #options: RepositoryReaderOptions;
  readonly #pool = new DigestPool();
  /** Of one repository, emptied for the next. */
  readonly #tagged = new DigestSet();
  /** First what is kept without `-m`, then what any tag needs. */
  readonly #other = new DigestSet();
  readonly #ofTag = new DigestSet();
  readonly #revisions = new DigestSet();
  readonly #repositories: UsageRepository[] = [];
  readonly #protected: ProtectedDigests;
  /** The same, as it would be if all tags were deleted. */
  readonly #protectedWithoutTags: ProtectedDigests;
  /** The same, as it would be if all repositories were deleted. */
  readonly #protectedAlone: ProtectedDigests;
  #protectedIds: ReadonlySet<DigestId> = new Set();
  #manifests = 0;

  /** See `UsageModel`. */
  readonly kept = PagedArray.bytes();
  /** See `UsageModel`. */
  readonly standing = PagedArray.bytes();

  constructor(
    driver: StorageDriver,
    table: DigestTable,
    references: ManifestReferences,
    options: RepositoryReaderOptions,
  ) {
    this.#driver = driver;
    this.#table = table;
    this.#references = references;
    this.#options = options;
    const digests = options.protectedDigests ?? new Set();
    this.#protected = new ProtectedDigests(table, digests);
    this.#protectedWithoutTags = new ProtectedDigests(table, digests);
    this.#protectedAlone = new ProtectedDigests(table, digests);
  }

  get repositories(): readonly UsageRepository[] {
    return this.#repositories;
  }

  /** How many there are in all repositories. */
  get manifests(): number {
    return this.#manifests;
  }

  /** See `UsageModel`. Empty before {@link finish}. */
  get protectedIds(): ReadonlySet<DigestId> {
    return this.#protectedIds;
  }

  async add(graph: RepositoryGraph): Promise<void> {
    const { entries } = graph;
    const tagged = await this.#plan(graph, true, this.#tagged);
    const untaggedManifests = tagged.plan.manifests.length;
    // Where every manifest is kept with -m, the same is kept without.
    const all = untaggedManifests === 0 ? tagged : await this.#plan(graph, false, this.#other);
    this.#tell(all);
    if (entries.layers.length + entries.revisions.length + entries.tags.size === 0) return;
    const held = this.#hold(untaggedManifests > 0);
    this.#protected.noteNeeded(this.#tagged);
    if (this.#options.wantsStanding) await this.#addStanding(graph, all.isInDoubt ? held : undefined);
    const pushes = this.#options.wantsPushes ? await this.#pushTimes(graph) : undefined;
    const origin = originOfParked(entries.name);
    this.#manifests += entries.revisions.length;
    this.#repositories.push({
      name: origin ?? entries.name,
      storedName: entries.name,
      isParked: origin !== undefined,
      isInDoubt: all.isInDoubt,
      held,
      tags: this.#tagsOf(graph, pushes, tagged.isInDoubt),
      manifests: entries.revisions.length,
      untaggedManifests,
      lastPushMs: pushes?.lastMs,
    });
  }

  /** To be called behind the last repository: what is protected stays where no link leads to it, too. */
  async finish(): Promise<void> {
    const [driver, references] = [this.#driver, this.#references];
    for (const id of await this.#protected.unlinkedClosure(driver, references))
      this.kept.set(id, this.kept.get(id) === 0 ? KEPT_UNLINKED : KEPT_BY_TAG);
    for (const id of await this.#protectedWithoutTags.unlinkedClosure(driver, references))
      this.standing.set(id, 1);
    this.#protectedIds = await this.#protectedAlone.unlinkedClosure(driver, references);
  }

  async #plan(
    graph: RepositoryGraph,
    deleteUntagged: boolean,
    needed: DigestSet,
  ): Promise<PlannedRepository> {
    const { concurrency, graceMs, keepWrittenAfterMs, onFailure, signal } = this.#options;
    return planRepository(
      {
        ...{ graph, references: this.#references, table: this.#table, needed, revisions: this.#revisions },
        protectedIds: this.#protected.ids,
      },
      {
        deleteUntagged,
        keepWrittenAfterMs,
        agesMatter: graceMs > 0,
        countsRevisions: this.#options.wantsPushes,
        keepUntaggedAfterMs: Number.POSITIVE_INFINITY,
        driver: this.#driver,
        concurrency,
        signal,
        onFailure,
        onMissing: () => undefined,
      },
    );
  }

  /** @param doubtful - what the repository keeps, if something in it is damaged */
  async #addStanding(graph: RepositoryGraph, doubtful: HeldDigests | undefined): Promise<void> {
    if (doubtful) {
      for (const id of doubtful.tagged()) this.standing.set(id, 1);
      this.#protectedWithoutTags.noteNeeded(this.#tagged);
      return;
    }
    await this.#plan({ ...graph, tagTargets: new Map() }, true, this.#other);
    for (const id of this.#other.members()) this.standing.set(id, 1);
    this.#protectedWithoutTags.noteNeeded(this.#other);
  }

  async #pushTimes(graph: RepositoryGraph): Promise<PushTimes> {
    const { concurrency } = this.#options;
    return readPushTimes(graph, { driver: this.#driver, table: this.#table, concurrency });
  }

  #tell({ warnings, isInDoubt }: PlannedRepository): void {
    const { onNotice, onProblem } = this.#options;
    for (const warning of warnings) (isInDoubt ? onProblem : onNotice)(warning);
  }

  /** @param hasUntagged - the set of what is kept without `-m` was made too */
  #hold(hasUntagged: boolean): HeldDigests {
    const start = this.#pool.length;
    for (const id of this.#tagged.members()) {
      this.#pool.push(id);
      this.kept.set(id, KEPT_BY_TAG);
    }
    const taggedEnd = this.#pool.length;
    if (hasUntagged) {
      for (const id of this.#other.members()) {
        if (this.#tagged.has(id)) continue;
        this.#pool.push(id);
        if (this.kept.get(id) === 0) this.kept.set(id, KEPT_UNTAGGED);
      }
    }
    return new HeldDigests(this.#pool, start, taggedEnd, this.#pool.length);
  }

  #tagsOf(graph: RepositoryGraph, pushes: PushTimes | undefined, isKeptWhole: boolean): UsageTags {
    const names: string[] = [];
    const targets: (DigestId | undefined)[] = [];
    const pushedMs: (number | undefined)[] = [];
    for (const tag of graph.entries.tags.keys()) {
      const target = graph.tagTargets.get(tag);
      if (target === undefined && !graph.brokenTags.has(tag)) continue;
      names.push(tag);
      targets.push(target);
      if (pushes) pushedMs.push(pushes.tags.get(tag));
    }
    if (!this.#options.wantsTagNeeds)
      return { names, targets, pushedMs, needs: undefined, keptBesides: undefined };
    return { names, targets, pushedMs, ...this.#needsOf(graph, targets, isKeptWhole) };
  }

  #needsOf(
    graph: RepositoryGraph,
    targets: readonly (DigestId | undefined)[],
    isKeptWhole: boolean,
  ): Pick<UsageTags, "needs" | "keptBesides"> {
    const marker = new RepositoryMarker({
      graph,
      references: this.#references,
      table: this.#table,
      needed: this.#ofTag,
      revisions: this.#revisions,
    });
    this.#other.clear();
    const needs = targets.map((target) => {
      this.#ofTag.clear();
      if (target !== undefined) marker.markManifest(target);
      for (const id of this.#ofTag.members()) this.#other.add(id);
      return this.#pushAll(this.#ofTag);
    });
    if (isKeptWhole) return { needs, keptBesides: this.#pushAll(this.#tagged) };
    this.#ofTag.clear();
    marker.markProtected(this.#protected.ids);
    for (const id of this.#tagged.members()) {
      if (this.#other.has(id)) continue;
      if (this.#references.state(id) === "read") marker.markManifest(id);
      else marker.markBlob(id);
    }
    return { needs, keptBesides: this.#pushAll(this.#ofTag) };
  }

  #pushAll(digests: DigestSet): HeldDigests {
    const start = this.#pool.length;
    for (const id of digests.members()) this.#pool.push(id);
    return new HeldDigests(this.#pool, start, this.#pool.length, this.#pool.length);
  }
}
