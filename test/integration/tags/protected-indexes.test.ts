import { describe, expect, it, onTestFinished } from "vitest";
import { parseAddress } from "../../../src/client/registry/registry-address.ts";
import { RegistryClient } from "../../../src/client/registry/registry-client.ts";
import { compilePattern } from "../../../src/lib/re2-pattern.ts";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { decideRepository } from "../../../src/operations/cleanup/decide-repository.ts";
import { removeScheduled, scheduleDeletions } from "../../../src/operations/deletions/retry-deletions.ts";
import { exitCodeOfDeletion, type TagDeletionReport } from "../../../src/operations/tags/delete-report.ts";
import { deleteTags } from "../../../src/operations/tags/delete-tags.ts";
import { HttpTags } from "../../../src/operations/tags/http-tags.ts";
import { ProtectedImages, parseProtected } from "../../../src/operations/tags/protected.ts";
import { StoreTags } from "../../../src/operations/tags/store-tags.ts";
import type { TagSource } from "../../../src/operations/tags/tag-source.ts";
import { blobDataPath } from "../../../src/registry/paths.ts";
import { Deletions } from "../../../src/state/deletions.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { startFakeRegistry } from "../../support/fake-registry.ts";
import { STORES } from "../../support/registry-stores.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const NAME = "group/app";
const recorder = {
  of: () => ({ tagSet: () => {}, tagDeleted: () => {}, manifestDeleted: () => {} }),
  sync: () => {},
  close: () => {},
};

/** Tags `plain` on an image, `index` on an index of `running`, `deep` on an index of that one, `other` on an index of something else. */
interface World {
  source: TagSource;
  /** The manifest of a platform, which no tag points to. */
  running: Digest;
  digests: Record<"plain" | "index" | "deep" | "other", Digest>;
  /** Makes the manifest of the outer index unreadable. */
  damage(): Promise<void>;
  /** Digests of which the manifest was read, as far as that is watched. */
  read: Digest[];
}

async function storeWorld(open: () => Promise<StorageDriver>): Promise<World> {
  const driver = await open();
  const repository = new RegistryTree(driver).repository(NAME);
  const running = await repository.image("running", ["layer"]);
  const plain = await repository.image("plain", ["layer"], { tag: "plain" });
  const index = await repository.index([running], { tag: "index" });
  const deep = await repository.index([await repository.image("x", ["layer"]), index], { tag: "deep" });
  const other = await repository.index([await repository.image("y", ["layer"])], { tag: "other" });
  return {
    source: new StoreTags(driver, recorder),
    running: running.digest,
    digests: { plain: plain.digest, index: index.digest, deep: deep.digest, other: other.digest },
    damage: () => driver.put(blobDataPath(deep.digest), Buffer.from("{}")),
    read: [],
  };
}

async function httpWorld(): Promise<World> {
  const registry = await startFakeRegistry({});
  onTestFinished(() => registry.close());
  const running = registry.push(NAME);
  const plain = registry.push(NAME, "plain");
  const pushIndex = (tag: string, mediaType: string, child: Digest): Digest => {
    const manifests = [{ mediaType, digest: child, size: registry.content.get(child)?.length }];
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
    registry.content.set(digestOf(bytes), bytes);
    registry.tags.get(NAME)?.set(tag, digestOf(bytes));
    return digestOf(bytes);
  };
  const index = pushIndex("index", OCI_MANIFEST, running);
  const deep = pushIndex("deep", OCI_INDEX, index);
  const other = pushIndex("other", OCI_MANIFEST, plain);
  const client = new RegistryClient({
    ...{ address: parseAddress(registry.url), firstWaitMs: 1 },
    credentials: { kind: "basic", user: "me", password: "pw" },
  });
  return {
    source: new HttpTags(client),
    running,
    digests: { plain, index, deep, other },
    damage: async () => void registry.content.set(deep, Buffer.from("{}")),
    read: [],
  };
}

const WORLDS: [string, () => Promise<World>][] = [
  ...STORES.map(([name, open]): [string, () => Promise<World>] => [name, () => storeWorld(open)]),
  ["a registry over HTTP", httpWorld],
];

/** Writes down which manifests are read to see what is in them. */
function watched({ source, read }: World): TagSource {
  return new Proxy(source, {
    get(target, key) {
      if (key !== "manifests") {
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return (repository: string, signal?: AbortSignal) => {
        const content = target.manifests(repository, signal);
        return {
          manifest: (digest: Digest) => {
            read.push(digest);
            return content.manifest(digest);
          },
        };
      };
    },
  });
}

function protecting(...texts: string[]): ProtectedImages {
  return new ProtectedImages(texts.flatMap((text) => parseProtected(text) ?? []));
}

async function scheduled(digests: Record<string, Digest>): Promise<Deletions> {
  const folder = await temporaryFolder();
  const deletions = new Deletions({ folder, onProblem: (problem) => expect.fail(problem) });
  const record = { repository: NAME, attempts: 11, reason: "the disk was busy" } as const;
  await deletions.recordFailed(
    Object.entries(digests).map(([name, digest]) => ({ ...record, name, digest })),
  );
  await deletions.schedule(() => true);
  return deletions;
}

function run(
  source: TagSource,
  names: string[] | undefined,
  images: ProtectedImages,
  more: { dryRun?: boolean; deletions?: Deletions } = {},
): Promise<TagDeletionReport> {
  const match = compilePattern(".*", { anchored: "whole" });
  const rules = { ...{ match, keep: undefined, olderThanMs: undefined, keepNewest: undefined }, nowMs: 0 };
  return deleteTags(
    { source, nowMs: () => 0, deletions: more.deletions },
    {
      ...{
        repository: NAME,
        protectedImages: images,
        dryRun: more.dryRun ?? false,
        ratePerSecond: undefined,
      },
      selection: names
        ? { names: { names, duplicates: [], invalid: [] } }
        : { rules: { ...rules, ageBy: "pushed" } },
      ...{
        attempts: 1,
        confirm: async () => {},
        onOutcome: () => {},
        onProgress: () => {},
        onWait: () => {},
      },
    },
  );
}

const REASON = "an image of its index is protected";

describe.each(WORLDS)("an index of a protected image, in %s", (_, open) => {
  it("keeps its tags and those of what lists it, by name and by rules, and reads only what is to go", async () => {
    const world = await open();
    const { running, digests, read } = world;
    const images = protecting(`host/any@${running}`);
    const first = await run(watched(world), ["index"], images);
    expect(first).toMatchObject({ deleted: 0, kept: [{ name: "index", reason: REASON }], warnings: [] });
    expect(read).toEqual([digests.index]);
    const report = await run(world.source, undefined, images);
    expect(report.kept).toEqual([
      { name: "deep", reason: REASON },
      { name: "index", reason: REASON },
    ]);
    expect(exitCodeOfDeletion(report)).toBe(0);
    expect(await world.source.names(NAME)).toEqual(["deep", "index"]);
  });

  it("keeps what cannot be read, and tells it", async () => {
    const world = await open();
    await world.damage();
    const report = await run(world.source, ["deep", "other"], protecting(world.running));
    expect(report).toMatchObject({ deleted: 1, doubtful: [{ name: "deep" }] });
    expect(report.doubtful[0]?.reason).toContain("whether it holds a protected image cannot be read");
    expect(exitCodeOfDeletion(report)).toBe(3);
    expect(await run(world.source, ["deep"], protecting(`${NAME}:v1`))).toMatchObject({ deleted: 1 });
  });

  it("is kept from policies", async () => {
    const world = await open();
    const rules = {
      ...{ deletes: compilePattern(".*", { anchored: "gitlab" }), keeps: undefined },
      ...{ keepN: undefined, olderThanMs: undefined },
    };
    const decided = async () =>
      decideRepository(watched(world), NAME, rules, {
        ...{ nowMs: 0, maxListSize: 0, continueAfter: undefined, protectedImages: protecting(world.running) },
      });
    const decision = await decided();
    expect(Object.fromEntries(decision.steps)).toEqual({
      ...{ deep: "protected", index: "protected", other: "delete", plain: "delete" },
    });
    expect(decision.doubtful.size).toBe(0);
    expect(decision.deletable.map(({ name }) => name).sort()).toEqual(["other", "plain"]);
    expect(world.read).not.toContain(world.digests.plain);
    await world.damage();
    const damaged = await decided();
    // Its media type cannot be read, nor whether it is a manifest at all.
    expect(damaged.steps.get("deep")).not.toBe("delete");
    expect(damaged.doubtful.get("deep")).toContain("cannot be read");
  });

  it("is kept from deletions that are tried again, and the others point to what was recorded", async () => {
    const world = await open();
    const { index, deep, other, plain } = world.digests;
    const deletions = await scheduled({ index, deep, other, plain: other, gone: plain });
    const images = protecting(world.running);
    const dry = await run(world.source, ["none"], images, { dryRun: true, deletions });
    const told = { unknown: ["none"], gone: ["gone"], moved: [{ name: "plain" }], failed: [] };
    expect(dry).toMatchObject({ ...told, planned: [{ name: "other" }], kept: [{}, {}] });
    expect(deletions.list()).toHaveLength(5);
    expect(await world.source.names(NAME)).toHaveLength(4);
    const report = await run(world.source, ["none"], images, { deletions });
    expect({ ...report, seconds: 0 }).toEqual({ ...dry, dryRun: false, deleted: 1, seconds: 0 });
    expect(await world.source.names(NAME)).toEqual(["deep", "index", "plain"]);
    expect(deletions.list().map(({ name }) => name)).toEqual(["deep", "index"]);
    await world.damage();
    const retried = await scheduleDeletions(deletions, { repositories: [], dryRun: false });
    await removeScheduled({ source: world.source, deletions }, retried, {
      ...{ attempts: 1, protectedImages: images, onOutcome: () => {}, onWait: () => {} },
    });
    expect(retried).toMatchObject({
      deleted: 0,
      protected: 1,
      doubtful: [{ repository: NAME, name: "deep" }],
    });
    expect(await world.source.names(NAME)).toEqual(["deep", "index", "plain"]);
  });
});
