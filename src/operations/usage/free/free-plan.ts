import { groupBy } from "../../../lib/group-by.ts";
import type { UsageModel } from "../usage-model.ts";
import { type Choice, chooseLeast } from "./choose-least.ts";
import { chooseOldest } from "./choose-oldest.ts";
import { collectableBytes, StayingBlobs } from "./staying-blobs.ts";
import { type GroupRules, type TagGroup, tagGroups } from "./tag-groups.ts";

/** Tags of one repository that go. */
export interface ProposedTags {
  repository: string;
  tags: readonly string[];
}

/** One step of a plan, to be taken after those before it. */
export interface FreeStep {
  kind: "uploads" | "orphans" | "untagged" | "old-tags" | "tags" | "projects";
  /** What it frees, given the steps before it. */
  bytes: number;
  /** Of the steps that delete tags. */
  tags?: readonly ProposedTags[];
  /** Projects of which every tag goes. */
  projects?: readonly string[];
}

/** What frees how much. */
export interface FreePlan {
  steps: readonly FreeStep[];
  /** Of all steps together. */
  freedBytes: number;
  /** With too few: what all that may go would free besides, of which nothing is proposed. */
  restBytes?: number;
  warnings: readonly string[];
}

/** What a plan goes by. */
export interface FreeOptions extends GroupRules {
  /** More than 0. */
  wantedBytes: number;
  /** What goes last: the fewest tags, or the fewest projects with all their tags. */
  last: "tags" | "projects";
  /** Tags that were set before this moment go first, the oldest first. */
  oldBeforeMs: number;
  /** What purging uploads frees. */
  uploadBytes: number;
  projectOf: (repository: string) => string;
}

/**
 * Proposes what frees at least `wantedBytes`, what nobody misses first: stale uploads, blobs that no manifest needs, manifests
 * without a tag, old tags, and then as few other tags or projects as can be found (see {@link chooseLeast}). What is proposed
 * ends with the step that reaches the amount.
 *
 * Never proposed: what is protected, `latest` (unless its project goes), tags of repositories in which something is damaged
 * or that a move has parked, tags that were set lately, and the last tag of the store, without which a collection refuses to
 * work. Amounts are those of blob files that `garbage-collect` would delete, to the byte.
 *
 * @param model - loaded with what each tag needs
 */
export function planToFree(model: UsageModel, options: FreeOptions): FreePlan {
  return new FreePlanner(model, options).plan();
}

class FreePlanner {
  readonly #model: UsageModel;
  readonly #options: FreeOptions;
  readonly #steps: FreeStep[] = [];
  readonly #warnings: string[] = [];
  #freedBytes = 0;
  #restBytes = 0;

  constructor(model: UsageModel, options: FreeOptions) {
    this.#model = model;
    this.#options = options;
  }

  plan(): FreePlan {
    this.#add({ kind: "uploads", bytes: this.#options.uploadBytes });
    if (this.#model.isFreeable) this.#addCollections();
    else this.#warnings.push("something could not be listed: a collection frees no blob until it can be");
    const isEnough = this.#wantedBytes <= 0;
    const rest = isEnough ? {} : { restBytes: this.#restBytes };
    return { steps: this.#steps, freedBytes: this.#freedBytes, ...rest, warnings: this.#warnings };
  }

  /** What is still wanted. */
  get #wantedBytes(): number {
    return this.#options.wantedBytes - this.#freedBytes;
  }

  #addCollections(): void {
    const { repositories } = this.#model;
    const { orphans, untagged } = collectableBytes(this.#model);
    const hasTags = repositories.some(({ tags }) => tags.names.length > 0);
    if (repositories.length === 0 || !hasTags) {
      if (orphans + untagged === 0) return;
      const missing = repositories.length === 0 ? "repository" : "tag";
      this.#warnings.push(
        `there is no ${missing}: is all of the store mounted? garbage-collect would refuse`,
      );
    }
    if (repositories.length > 0) this.#add({ kind: "orphans", bytes: orphans });
    if (!hasTags) return;
    this.#add({ kind: "untagged", bytes: untagged });
    if (this.#wantedBytes <= 0) return;
    const groups = tagGroups(this.#model, this.#options);
    const left = this.#addOldTags(groups);
    if (this.#wantedBytes <= 0) return;
    if (this.#options.last === "projects") this.#addProjects(left);
    else this.#addTags(left);
  }

  /** @returns the groups that are left */
  #addOldTags(groups: readonly TagGroup[]): TagGroup[] {
    const mayGo = this.#tagsThatMayGo(groups);
    const ages = mayGo.map(({ pushedMs }) => pushedMs ?? Number.POSITIVE_INFINITY);
    const oldestFirst = [...mayGo.keys()]
      .filter((index) => (ages[index] ?? 0) < this.#options.oldBeforeMs)
      .sort((a, b) => (ages[a] ?? 0) - (ages[b] ?? 0) || a - b);
    const staying = new StayingBlobs(this.#model, without(groups, mayGo));
    const removables = mayGo.map((group) => staying.removable([group], group.tags.length));
    const sizes = StayingBlobs.sizesOf(this.#model);
    const { chosen, freedBytes } = chooseOldest(sizes, removables, oldestFirst, this.#wantedBytes);
    const going = pick(mayGo, chosen);
    this.#add({ kind: "old-tags", bytes: freedBytes, tags: proposedTags(going) });
    return without(groups, going);
  }

  #addTags(groups: readonly TagGroup[]): void {
    const mayGo = this.#tagsThatMayGo(groups);
    const choice = this.#chooseLeast(
      without(groups, mayGo),
      mayGo.map((group) => ({ cost: group.tags.length, groups: [group] })),
    );
    if (choice) {
      const tags = proposedTags(pick(mayGo, choice.chosen));
      this.#add({ kind: "tags", bytes: choice.freedBytes, tags });
    }
  }

  #addProjects(groups: readonly TagGroup[]): void {
    const projects = groupBy(groups, ({ repository }) => this.#options.projectOf(repository.name));
    const blocked = new Set(
      this.#model.repositories
        .filter(({ isInDoubt, isParked }) => isInDoubt || isParked)
        .map(({ name }) => this.#options.projectOf(name)),
    );
    const mayGo = [...projects].filter(
      ([name, own]) =>
        !blocked.has(name) && own.every(({ staysFor }) => staysFor === undefined || staysFor === "latest"),
    );
    if (mayGo.length === projects.size && this.#allTagsAreReadable()) removeNewest(mayGo, ([, own]) => own);
    const going = mayGo.flatMap(([, own]) => own);
    const choice = this.#chooseLeast(
      without(groups, going),
      mayGo.map(([, own]) => ({ cost: 1, groups: own })),
    );
    if (!choice) return;
    const chosen = pick(mayGo, choice.chosen);
    const tags = proposedTags(chosen.flatMap(([, own]) => own));
    this.#add({ kind: "projects", bytes: choice.freedBytes, tags, projects: chosen.map(([name]) => name) });
  }

  /** @returns undefined, and remembers what there would have been, if all together free too little */
  #chooseLeast(
    stayingGroups: readonly TagGroup[],
    candidates: readonly { cost: number; groups: readonly TagGroup[] }[],
  ): Choice | undefined {
    const staying = new StayingBlobs(this.#model, stayingGroups);
    const removables = candidates.map(({ cost, groups }) => staying.removable(groups, cost));
    const sizes = StayingBlobs.sizesOf(this.#model);
    const choice = chooseLeast(sizes, removables, this.#wantedBytes);
    if (choice) return choice;
    const all = new Set(removables.flatMap(({ blobs }) => [...blobs]));
    for (const blob of all) this.#restBytes += sizes[blob] ?? 0;
    return undefined;
  }

  /** @returns what may go tag by tag; not all tags of the store, as a collection refuses to work without any */
  #tagsThatMayGo(groups: readonly TagGroup[]): TagGroup[] {
    const mayGo = groups.filter(({ staysFor }) => staysFor === undefined);
    if (mayGo.length === groups.length && this.#allTagsAreReadable()) removeNewest(mayGo, (group) => [group]);
    return mayGo;
  }

  #allTagsAreReadable(): boolean {
    return this.#model.repositories.every(({ tags }) => !tags.targets.includes(undefined));
  }

  #add(step: FreeStep): void {
    if (step.bytes <= 0 || this.#wantedBytes <= 0) return;
    this.#steps.push(step);
    this.#freedBytes += step.bytes;
  }
}

function removeNewest<T>(items: T[], groupsOf: (item: T) => readonly TagGroup[]): void {
  const newest = (item: T): number =>
    Math.max(...groupsOf(item).map(({ pushedMs }) => pushedMs ?? Number.POSITIVE_INFINITY));
  let at = -1;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const [index, item] of items.entries()) {
    const ms = newest(item);
    if (at < 0 || ms > newestMs) [at, newestMs] = [index, ms];
  }
  if (at >= 0) items.splice(at, 1);
}

function pick<T>(items: readonly T[], indexes: readonly number[]): T[] {
  const picked = new Set(indexes);
  return items.filter((_, index) => picked.has(index));
}

function without<T>(items: readonly T[], others: readonly T[]): T[] {
  const left = new Set(others);
  return items.filter((item) => !left.has(item));
}

/** By repository, with the tags of each in key order. */
function proposedTags(groups: readonly TagGroup[]): ProposedTags[] {
  const byName = groupBy(groups, ({ repository }) => repository.name);
  return [...byName].map(([repository, own]) => ({
    repository,
    tags: own.flatMap(({ tags }) => tags).sort(),
  }));
}
