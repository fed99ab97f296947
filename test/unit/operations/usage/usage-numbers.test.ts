import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readUsage } from "../../../../src/operations/usage/read-usage.ts";
import { reportUsage, type UsageReportOptions } from "../../../../src/operations/usage/report-usage.ts";
import type { UsageModel } from "../../../../src/operations/usage/usage-model.ts";
import type { UsageReport } from "../../../../src/operations/usage/usage-report.ts";
import { planCollection } from "../../../../src/registry/plan/plan-collection.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { type Damage, damages, damageTree } from "../../../support/damage-tree.ts";
import { buildRandomTree, type PushStep, pushSteps } from "../../../support/random-tree.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import {
  bytesOf,
  gitlabBytesOf,
  keptNaively,
  keptTogether,
  manifestOf,
  type NaiveRepository,
  type NaiveStore,
  readNaively,
} from "../../../support/usage-oracle.ts";

async function readModel(driver: StorageDriver): Promise<UsageModel> {
  return readUsage(
    { driver, nowMs: Date.now },
    { graceMs: 0, concurrency: 4, wantsPushes: true, wantsTagNeeds: true },
  );
}

function report(model: UsageModel, options: Partial<UsageReportOptions> = {}): UsageReport {
  return reportUsage(model, {
    ...{ by: "repository", sort: "name", top: undefined, sinceMs: undefined, overBytes: undefined },
    ...{ overBy: "sizeBytes", directory: undefined, depth: 1, isFromGitLab: false, graceMs: 0 },
    ...options,
  });
}

interface Expected {
  name: string;
  sizeBytes: number;
  exclusiveBytes: number;
  untaggedBytes: number;
  gitlabBytes: number;
  tags: number;
  manifests: number;
}

/** By their definitions: exclusive is what is not needed any more once the repositories are gone. */
function expectGroup(store: NaiveStore, name: string, own: readonly NaiveRepository[]): Expected {
  const all = [...store.repositories.values()];
  const others = all.filter((repository) => !own.includes(repository));
  const kept = keptTogether(store, own, false);
  const keptByOthers = keptTogether(store, others, false);
  const keptByTags = keptTogether(store, all, true);
  const sum = (count: (repository: NaiveRepository) => number): number =>
    own.reduce((total, repository) => total + count(repository), 0);
  return {
    name,
    sizeBytes: bytesOf(store, kept),
    exclusiveBytes: bytesOf(
      store,
      [...kept].filter((digest) => !keptByOthers.has(digest)),
    ),
    untaggedBytes: bytesOf(
      store,
      [...kept].filter((digest) => !keptByTags.has(digest)),
    ),
    gitlabBytes: sum((repository) => gitlabBytesOf(store, repository)),
    tags: sum(({ tags }) => tags.size),
    manifests: sum(({ revisions }) => revisions.size),
  };
}

/** What a collection with `-m` keeps less once the tag is gone; nothing where damage keeps everything. */
function expectTag(store: NaiveStore, repository: NaiveRepository, tag: string): number {
  const { kept, isInDoubt } = keptNaively(store, repository, true);
  if (isInDoubt) return 0;
  const without = { ...repository, tags: new Map([...repository.tags].filter(([name]) => name !== tag)) };
  const rest = [...store.repositories.values()].map((each) => (each === repository ? without : each));
  const left = keptTogether(store, rest, true);
  return bytesOf(
    store,
    [...kept].filter((digest) => !left.has(digest)),
  );
}

function withLargeContents(store: NaiveStore): NaiveRepository[] {
  return [...store.repositories.values()].filter(
    ({ tags, revisions, layers }) => tags.size + revisions.size + layers.size > 0,
  );
}

/** Checks every number against the second implementation. */
async function checkNumbers(driver: StorageDriver): Promise<void> {
  const store = await readNaively(driver);
  const repositories = withLargeContents(store);
  const model = await readModel(driver);
  const pick = ({ rows }: UsageReport): Expected[] =>
    rows.map(
      ({
        name,
        sizeBytes,
        exclusiveBytes = -1,
        untaggedBytes = -1,
        gitlabBytes = -1,
        tags = -1,
        manifests = -1,
      }) => ({
        ...{ name, sizeBytes, exclusiveBytes, untaggedBytes, gitlabBytes, tags, manifests },
      }),
    );

  const byRepository = report(model);
  expect(pick(byRepository)).toEqual(
    repositories.map((repository) => expectGroup(store, repository.name, [repository])).sort(byName),
  );
  const projects = [...new Set(repositories.map(({ name }) => name.split("/")[0] ?? ""))];
  const byProject = report(model, { by: "project" });
  expect(pick(byProject)).toEqual(
    projects
      .map((project) =>
        expectGroup(
          store,
          project,
          repositories.filter(({ name }) => name === project || name.startsWith(`${project}/`)),
        ),
      )
      .sort(byName),
  );

  const kept = keptTogether(store, repositories, false);
  const keptByTags = keptTogether(store, repositories, true);
  const files = [...store.blobs.keys()];
  const orphans = files.filter((digest) => !kept.has(digest));
  expect(byProject.orphans).toEqual({
    ...{ blobs: orphans.length, sizeBytes: bytesOf(store, orphans), freeableBytes: bytesOf(store, orphans) },
  });
  const { total } = byProject;
  expect(total.sizeBytes).toBe(await sumOfFiles(driver));
  expect(total.blobs).toBe(files.length);
  expect(total.untaggedBytes).toBe(
    bytesOf(
      store,
      [...kept].filter((digest) => !keptByTags.has(digest)),
    ),
  );
  for (const { rows, total: sums } of [byRepository, byProject]) {
    const exclusive = rows.reduce((sum, row) => sum + (row.exclusiveBytes ?? 0), 0);
    expect(exclusive + (sums.sharedBytes ?? 0) + byProject.orphans.sizeBytes).toBe(sums.sizeBytes);
    for (const row of rows) expect(row.sizeBytes).toBe((row.sharedBytes ?? 0) + (row.exclusiveBytes ?? 0));
  }
  await expectSameAsCollector(driver, total.untaggedBytes + byProject.orphans.freeableBytes);

  for (const { name, sizeBytes, exclusiveBytes, gitlabBytes } of report(model, { by: "tag" }).rows) {
    const [repositoryName = "", tag = ""] = name.split(":");
    const repository = store.repositories.get(repositoryName);
    if (!repository) throw new Error(`there is no ${repositoryName}`);
    expect([name, exclusiveBytes]).toEqual([name, expectTag(store, repository, tag)]);
    const target = repository.tags.get(tag);
    const alone = { ...repository, tags: new Map([[tag, target]]) };
    expect([name, gitlabBytes]).toEqual([name, gitlabBytesOf(store, alone)]);
    if (!keptNaively(store, repository, true).isInDoubt)
      expect([name, sizeBytes]).toEqual([name, bytesOf(store, keptNaively(store, alone, true).kept)]);
  }
  checkBlobs(store, model, repositories, kept);
}

/** By layer and by media type. */
function checkBlobs(
  store: NaiveStore,
  model: UsageModel,
  repositories: readonly NaiveRepository[],
  kept: ReadonlySet<string>,
): void {
  const layers = report(model, { by: "layer" }).rows;
  const keepers = repositories.map((repository) => keptNaively(store, repository, false).kept);
  expect(layers.map(({ name, sizeBytes, repositories: count }) => ({ name, sizeBytes, count }))).toEqual(
    [...store.blobs]
      .filter(([digest]) => kept.has(digest))
      .map(([name, { length }]) => ({
        ...{ name, sizeBytes: length, count: keepers.filter((keeper) => keeper.has(name)).length },
      }))
      .sort(byName),
  );
  const types = report(model, { by: "media-type" }).rows;
  const expected = new Map<string, number>();
  const typeOf = mediaTypes(store, repositories);
  for (const digest of store.blobs.keys()) {
    if (!kept.has(digest)) continue;
    const type = typeOf.get(digest) ?? "(unknown)";
    expected.set(type, (expected.get(type) ?? 0) + bytesOf(store, [digest]));
  }
  expect(types.map(({ name, sizeBytes }) => ({ name, sizeBytes }))).toEqual(
    [...expected].map(([name, sizeBytes]) => ({ name, sizeBytes })).sort(byName),
  );
}

/** Of manifests their own, of blobs the first of those that readable manifests of a repository give. */
function mediaTypes(store: NaiveStore, repositories: readonly NaiveRepository[]): Map<string, string> {
  const types = new Map<string, string>();
  const add = (digest: string, type: string): void => {
    const before = types.get(digest);
    if (before === undefined || type < before) types.set(digest, type);
  };
  const seen = new Set<string>();
  const visit = (digest: string): void => {
    if (seen.has(digest)) return;
    seen.add(digest);
    const manifest = manifestOf(store, digest);
    if (typeof manifest === "string") return;
    add(digest, manifest.mediaType);
    const { config, layers = [], manifests = [], subject } = manifest;
    for (const item of [...layers, ...manifests]) add(item.digest, item.mediaType);
    if (config) add(config.digest, config.mediaType);
    if (subject) add(subject.digest, subject.mediaType);
    for (const child of manifests) visit(child.digest);
  };
  for (const { revisions, tags } of repositories) {
    for (const digest of revisions) visit(digest);
    for (const digest of tags.values()) if (digest !== undefined) visit(digest);
  }
  return types;
}

/** What the collector's own plan would free, with the sizes of the files. */
async function expectSameAsCollector(driver: StorageDriver, freeableBytes: number): Promise<void> {
  const store = await readNaively(driver);
  const plan = await planCollection(driver, {
    rules: {
      deleteUntagged: true,
      keepWrittenAfterMs: Date.now(),
      agesMatter: false,
      keepUntaggedAfterMs: Number.POSITIVE_INFINITY,
    },
    concurrency: 4,
  });
  const digests = Array.from({ length: plan.blobs.length }, (_, index) =>
    plan.table.digestOf(plan.blobs.id(index)),
  );
  expect(freeableBytes).toBe(bytesOf(store, digests));
}

async function sumOfFiles(driver: StorageDriver): Promise<number> {
  let bytes = 0;
  for await (const { path, sizeBytes } of driver.walk("/docker/registry/v2"))
    if (/\/v2\/blobs\/.*\/data$/.test(path)) bytes += sizeBytes;
  return bytes;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

async function build(
  driver: StorageDriver,
  steps: readonly PushStep[],
  list: readonly Damage[],
): Promise<void> {
  await buildRandomTree(new RegistryTree(driver), steps);
  await damageTree(driver, list);
}

describe("usage of random registries", () => {
  it("is what a second implementation counts", async () => {
    await fc.assert(
      fc.asyncProperty(pushSteps, async (steps) => {
        const driver = new MemoryDriver();
        await build(driver, steps, []);
        await checkNumbers(driver);
      }),
      { numRuns: 40 },
    );
  });

  it("is what a second implementation counts where something is damaged", async () => {
    await fc.assert(
      fc.asyncProperty(pushSteps, damages, async (steps, list) => {
        const driver = new MemoryDriver();
        await build(driver, steps, list);
        await checkNumbers(driver);
      }),
      { numRuns: 80 },
    );
  });

  it("is the same on a disk, where folders are taken for links by their names", async () => {
    await fc.assert(
      fc.asyncProperty(pushSteps, damages, async (steps, list) => {
        const driver = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
        await build(driver, steps, list);
        await checkNumbers(driver);
      }),
      { numRuns: 10 },
    );
  });
});
