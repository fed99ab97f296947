import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern } from "../../../src/lib/re2-pattern.ts";
import type { Digest } from "../../../src/oci/digest.ts";
import { deleteTags, type TagDeletionOptions } from "../../../src/operations/tags/delete-tags.ts";
import type { TagSelection } from "../../../src/operations/tags/plan-deletion.ts";
import { ProtectedImages, parseProtected } from "../../../src/operations/tags/protected.ts";
import type { TagRecorder } from "../../../src/operations/tags/record-untagged.ts";
import { StoreTags } from "../../../src/operations/tags/store-tags.ts";
import { readLink } from "../../../src/registry/link.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath, tagPath, tagsPath } from "../../../src/registry/paths.ts";
import { TagStore } from "../../../src/registry/tag-store.ts";
import { Deletions } from "../../../src/state/deletions.ts";
import { canSetTimes, type ScannedFile } from "../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { readOnlyDriver } from "../../../src/storage/wrappers/read-only/read-only-driver.ts";
import { filesOf, STORES } from "../../support/registry-stores.ts";
import { RegistryTree, type RepositoryTree } from "../../support/registry-tree.ts";
import { RemoteStore } from "../../support/remote-store.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 5, 15);
const NAME = "group/app";

interface Said {
  recorder: TagRecorder;
  /** Name and digest of each tag that was written down as removed. */
  deleted: [string, string][];
}

function said(): Said {
  const deleted: [string, string][] = [];
  const watcher = {
    tagSet: () => {},
    tagDeleted: (tag: string, before: string) => void deleted.push([tag, before]),
    manifestDeleted: () => {},
  };
  return { deleted, recorder: { of: () => watcher, sync: () => {}, close: () => {} } };
}

function run(
  driver: StorageDriver,
  selection: TagSelection,
  {
    recorder,
    deletions,
    ...options
  }: Partial<TagDeletionOptions> & { recorder?: TagRecorder; deletions?: Deletions } = {},
) {
  return deleteTags(
    { source: new StoreTags(driver, recorder ?? said().recorder), nowMs: () => NOW_MS, deletions },
    {
      ...{ repository: NAME, selection, protectedImages: undefined, dryRun: false },
      ...{ ratePerSecond: undefined, attempts: 1, confirm: async () => {}, onOutcome: () => {} },
      ...{ onProgress: () => {}, onWait: () => {} },
      ...options,
    },
  );
}

const named = (...names: string[]): TagSelection => ({ names: { names, duplicates: [], invalid: [] } });

const rules = (changes: object): TagSelection => ({
  rules: {
    match: compilePattern(".*", { anchored: "whole" }),
    ...{ keep: undefined, olderThanMs: undefined, keepNewest: undefined, ageBy: "pushed", nowMs: NOW_MS },
    ...changes,
  },
});

async function tagsOf(driver: StorageDriver): Promise<string[]> {
  return (await new TagStore(driver, NAME).list()).tags;
}

/** Three manifests, of which the first has two tags. */
async function smallTree(driver: StorageDriver): Promise<{ repository: RepositoryTree; digests: Digest[] }> {
  const repository = new RegistryTree(driver).repository(NAME);
  const digests: Digest[] = [];
  for (const name of ["a", "b", "c"])
    digests.push((await repository.image(name, ["layer"], { tag: name })).digest);
  const [first] = digests;
  if (first === undefined) throw new Error("no image was pushed");
  await repository.tag("twin", first);
  return { repository, digests };
}

/** As a store of requests; and its listings tell the MD5 of each file, as those of buckets do. */
async function bucket(): Promise<StorageDriver> {
  const inner = new MemoryDriver();
  const { driver } = new RemoteStore({ inner });
  return Object.assign(driver, {
    async *scan(...words: Parameters<MemoryDriver["scan"]>): AsyncGenerator<ScannedFile[]> {
      for await (const batch of inner.scan(...words)) {
        const md5Of = (path: string): string =>
          createHash("md5")
            .update(inner.getSync(path) ?? "")
            .digest("hex");
        yield batch.map((file) => ({ ...file, contentMd5: md5Of(file.path) }));
      }
    },
  });
}

const BUCKET: (typeof STORES)[number] = ["a bucket", bucket];

describe.each([...STORES, BUCKET])("tags delete on %s", (_, open) => {
  it("removes exactly what is named, with its history and nothing else", async () => {
    const driver = await open();
    const { digests } = await smallTree(driver);
    const before = await filesOf(driver);
    const { recorder, deleted } = said();

    const report = await run(driver, named("a", "b", "unknown"), { recorder });

    expect(report).toMatchObject({ deleted: 2, unknown: ["unknown"], failed: [], untaggedManifests: 1 });
    expect(report.planned).toEqual([
      { name: "a", digest: digests[0], siblings: 1, firstSiblings: ["twin"] },
      { name: "b", digest: digests[1], siblings: 0, firstSiblings: [] },
    ]);
    expect(deleted).toEqual([
      ["a", digests[0]],
      ["b", digests[1]],
    ]);
    expect(await tagsOf(driver)).toEqual(["c", "twin"]);
    const isOfTags = (path: string): boolean =>
      ["a", "b"].some((tag) => path.startsWith(`${tagPath(NAME, tag)}/`));
    expect(await filesOf(driver)).toEqual(before.filter((path) => !isOfTags(path)));
  });

  it("leaves a tag that was pushed anew, and says so", async () => {
    const driver = await open();
    const { repository, digests } = await smallTree(driver);
    const [, , third] = digests;
    if (third === undefined) throw new Error("no image was pushed");

    const report = await run(driver, named("a", "b"), { confirm: () => repository.tag("a", third) });

    expect(report).toMatchObject({ deleted: 1, moved: [{ name: "a" }] });
    expect(await tagsOf(driver)).toEqual(["a", "c", "twin"]);
    expect(await new TagStore(driver, NAME).resolve("a")).toBe(third);
  });

  it("keeps what its rules keep, also where it could not be deleted before and is to be now", async () => {
    const driver = await open();
    const { digests } = await smallTree(driver);
    const deletions = new Deletions({
      folder: await temporaryFolder(),
      onProblem: (problem) => expect.fail(problem),
    });
    const record = { repository: NAME, attempts: 11, reason: "the disk was busy" } as const;
    await deletions.recordFailed(
      ["a", "b", "c"].map((name, place) => ({ ...record, name, digest: digests[place] ?? "" })),
    );
    await deletions.schedule(() => true);
    const match = compilePattern("[ab]", { anchored: "whole" });
    const keep = compilePattern("a", { anchored: "whole" });

    const report = await run(driver, rules({ match, keep }), { deletions });

    expect(report).toMatchObject({ deleted: 2, kept: [{ name: "a" }] });
    expect(await tagsOf(driver)).toEqual(["a", "twin"]);
    expect(deletions.list().map(({ name }) => name)).toEqual(["a"]);
  });

  it("spares what is protected, also where it could not be deleted before and is to be now", async () => {
    const driver = await open();
    const { digests } = await smallTree(driver);
    const deletions = new Deletions({
      folder: await temporaryFolder(),
      onProblem: (problem) => expect.fail(problem),
    });
    const record = { repository: NAME, attempts: 11, reason: "the disk was busy" } as const;
    await deletions.recordFailed(
      ["a", "b"].map((name, place) => ({ ...record, name, digest: digests[place] ?? "" })),
    );
    await deletions.schedule(() => true);
    const protectedImages = new ProtectedImages([parseProtected(digests[0] ?? "") ?? expect.fail()]);

    const report = await run(driver, named("c"), { deletions, protectedImages });

    expect(report).toMatchObject({ deleted: 2, failed: [] });
    expect(await tagsOf(driver)).toEqual(["a", "twin"]);
  });

  it("tells of a tag that somebody else has removed meanwhile", async () => {
    const driver = await open();
    const { repository } = await smallTree(driver);
    const report = await run(driver, named("a", "b"), { confirm: () => repository.untag("a") });
    expect(report).toMatchObject({ deleted: 1, gone: ["a"], failed: [] });
  });

  it("sweeps what a removal that was killed has left, and writes down what it was", async () => {
    const driver = await open();
    const { digests } = await smallTree(driver);
    await driver.delete(tagCurrentLinkPath(NAME, "b"));
    const { recorder, deleted } = said();

    const report = await run(driver, named("b"), { recorder });

    expect(report).toMatchObject({ deleted: 0, unknown: ["b"] });
    expect(deleted).toEqual([["b", digests[1]]]);
    expect((await filesOf(driver)).filter((path) => path.startsWith(`${tagPath(NAME, "b")}/`))).toEqual([]);
  });

  it("removes a tag with a broken link when it is named, and keeps it when a pattern matches", async () => {
    const driver = await open();
    await smallTree(driver);
    await driver.put(tagCurrentLinkPath(NAME, "c"), new Uint8Array());

    const kept = await run(driver, rules({ match: compilePattern("[bc]", { anchored: "whole" }) }));
    expect(kept).toMatchObject({ deleted: 1, doubtful: [{ name: "c" }] });
    expect(await run(driver, named("c"))).toMatchObject({ deleted: 1, failed: [] });
    expect(await tagsOf(driver)).toEqual(["a", "twin"]);
  });

  it("keeps latest unless it is named, and what is protected whatever is named", async () => {
    const driver = await open();
    const { repository, digests } = await smallTree(driver);
    const [first, second] = digests;
    if (first === undefined || second === undefined) throw new Error("no image was pushed");
    await repository.tag("latest", second);
    const protectedImages = protecting(first, `registry.example.com:5000/${NAME}:c`, "other/app:v1");

    const matched = await run(driver, rules({}), { protectedImages });
    expect(matched.kept).toEqual([
      { name: "a", reason: "it is protected" },
      { name: "c", reason: "it is protected" },
      { name: "latest", reason: "latest goes only when it is named" },
      { name: "twin", reason: "it is protected" },
    ]);
    expect(matched.warnings).toEqual([]);
    expect(await tagsOf(driver)).toEqual(["a", "c", "latest", "twin"]);
    const byName = await run(driver, named("a", "latest"), { protectedImages: protecting(first) });
    expect(byName).toMatchObject({ deleted: 1, kept: [{ name: "a" }] });
    expect(await tagsOf(driver)).toEqual(["a", "c", "twin"]);
  });

  it("changes nothing in a dry run, and nothing when the answer is no", async () => {
    const driver = await open();
    await smallTree(driver);
    const before = await filesOf(driver);
    expect(await run(driver, named("a"), { dryRun: true })).toMatchObject({
      deleted: 0,
      planned: [{ name: "a" }],
    });
    const no = async () => {
      throw new Error("no");
    };
    await expect(run(driver, named("a"), { confirm: no })).rejects.toThrow("no");
    expect(await filesOf(driver)).toEqual(before);
  });
});

describe("tags delete beside somebody who pushes the same tag", () => {
  it("leaves it with its history", async () => {
    const rootDirectory = await temporaryFolder();
    const driver = new FilesystemDriver({ rootDirectory });
    const { digests } = await smallTree(driver);
    const [first = fail("no image")] = digests;
    const history = tagHistoryLinkPath(NAME, "a", first);
    let pushes = 0;
    const beside = Object.assign(new FilesystemDriver({ rootDirectory }), {
      deleteFileSync(path: string) {
        if (path === history) {
          pushes++;
          const current = join(rootDirectory, tagCurrentLinkPath(NAME, "a"));
          mkdirSync(dirname(current), { recursive: true });
          writeFileSync(current, first);
        }
        return driver.deleteFileSync(path);
      },
    });

    expect(await run(beside, named("a"))).toMatchObject({ deleted: 1, failed: [] });

    expect(pushes).toBe(1);
    expect(await new TagStore(driver, NAME).resolve("a")).toBe(first);
    expect(await readLink(driver, history)).toBe(first);
  });
});

function protecting(...texts: string[]): ProtectedImages {
  return new ProtectedImages(texts.flatMap((text) => parseProtected(text) ?? []));
}

interface RandomTag {
  name: string;
  image: number;
  ageDays: number;
}

const randomTags = fc.uniqueArray(
  fc.record<RandomTag>({
    name: fc.constantFrom("latest", "v1", "v2", "v3", "dev-1", "dev-2", "dev-3", "rc-1", "rc-2"),
    image: fc.nat(3),
    ageDays: fc.nat(9),
  }),
  { selector: ({ name }) => name },
);

const randomRules = fc.record({
  match: fc.constantFrom(".*", "dev-.*", "v.|rc-1", "none"),
  keep: fc.constantFrom(undefined, "dev-1", ".*2"),
  olderThanDays: fc.option(fc.nat(9), { nil: undefined }),
  keepNewest: fc.option(fc.nat(4), { nil: undefined }),
});

describe("which tags go", () => {
  it("is what a naive filter says, and every other tag still points where it pointed", async () => {
    await fc.assert(
      fc.asyncProperty(randomTags, randomRules, fc.boolean(), async (tags, wish, isRemote) => {
        const inner = new MemoryDriver();
        const repository = new RegistryTree(inner).repository(NAME);
        const images = await Promise.all(
          [0, 1, 2, 3].map((image) => repository.image(`i${image}`, ["layer"])),
        );
        const target = ({ image }: RandomTag): Digest => images[image]?.digest ?? fail("no such image");
        for (const tag of tags) {
          await repository.tag(tag.name, target(tag));
          if (!canSetTimes(inner)) fail("the store takes no times");
          const path = tagCurrentLinkPath(NAME, tag.name);
          await inner.setModified(path, NOW_MS - tag.ageDays * DAY_MS);
        }
        const { olderThanDays, keepNewest } = wish;

        const report = await run(
          isRemote ? new RemoteStore({ inner }).driver : inner,
          rules({
            match: compilePattern(wish.match, { anchored: "whole" }),
            keep: wish.keep === undefined ? undefined : compilePattern(wish.keep, { anchored: "whole" }),
            olderThanMs: olderThanDays === undefined ? undefined : olderThanDays * DAY_MS,
            keepNewest,
          }),
        );

        const is = (pattern: string, name: string): boolean => new RegExp(`^(?:${pattern})$`).test(name);
        const left = tags
          .filter(({ name }) => is(wish.match, name) && name !== "latest")
          .filter(({ name }) => wish.keep === undefined || !is(wish.keep, name))
          .sort((a, b) => a.ageDays - b.ageDays || (a.name < b.name ? 1 : -1))
          .slice(keepNewest ?? 0)
          .filter(({ ageDays }) => olderThanDays === undefined || ageDays > olderThanDays)
          .map(({ name }) => name);
        expect(report.planned.map(({ name }) => name)).toEqual(left.sort());
        const staying = tags.filter(({ name }) => !left.includes(name));
        const store = new TagStore(inner, NAME);
        for (const tag of staying) expect(await store.resolve(tag.name)).toBe(target(tag));
        for (const { digest } of images) expect(await repository.missingFor(digest)).toEqual([]);
        expect(report.deleted).toBe(left.length);
        expect(new Set(await tagFoldersOf(inner))).toEqual(new Set(staying.map(({ name }) => name)));
      }),
      { numRuns: 100 },
    );
  });
});

function fail(message: string): never {
  throw new Error(message);
}

/** Names in the folder of tags, of whatever is left of them. */
async function tagFoldersOf(driver: StorageDriver): Promise<string[]> {
  const folder = `${tagsPath(NAME)}/`;
  return (await filesOf(driver))
    .filter((path) => path.startsWith(folder))
    .map((path) => path.slice(folder.length).split("/")[0] ?? "");
}

describe("tags whose files a store does not let go of", () => {
  it("are told, with the others gone, and stay as they are", async () => {
    const store = new RemoteStore();
    const { digests } = await smallTree(store.inner);
    const denied = tagCurrentLinkPath(NAME, "b");
    const { deleteMany } = store.inner;
    store.inner.deleteMany = async (paths) => {
      const failures = paths.includes(denied) ? [{ path: denied, error: new Error("denied") }] : [];
      return [
        ...failures,
        ...(await deleteMany.call(
          store.inner,
          paths.filter((path) => path !== denied),
        )),
      ];
    };

    const report = await run(store.driver, named("a", "b"));

    expect(report).toMatchObject({ deleted: 1, failed: [{ name: "b", reason: "denied" }] });
    expect(await store.inner.get(tagCurrentLinkPath(NAME, "b"))).toEqual(Buffer.from(digests[1] ?? ""));
    expect(await filesOf(store.inner)).toContain(
      tagHistoryLinkPath(NAME, "b", digests[1] ?? fail("no digest")),
    );
  });

  it("counts no manifest as untagged whose last tag could not be removed", async () => {
    const driver = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
    await smallTree(driver);
    const report = await run(readOnlyDriver(driver), named("a", "b"));
    expect(report).toMatchObject({
      deleted: 0,
      failed: [{ name: "a" }, { name: "b" }],
      untaggedManifests: 0,
    });
    expect(await tagsOf(driver)).toEqual(["a", "b", "c", "twin"]);
  });
});

describe("folders on a disk", () => {
  it("go with their tags", async () => {
    const driver = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
    await smallTree(driver);
    await run(driver, rules({ match: compilePattern(".|twin", { anchored: "whole" }) }));
    expect(await driver.list(tagsPath(NAME))).toEqual([]);
  });
});
