import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import type {
  KeptManifest,
  ManifestRecordSource,
} from "../../../src/registry/graph/manifest-record-source.ts";
import { layerLinkPath, tagHistoryLinkPath } from "../../../src/registry/paths.ts";
import type { CollectionPlan } from "../../../src/registry/plan/collection-plan.ts";
import { type CollectionPlanOptions, planCollection } from "../../../src/registry/plan/plan-collection.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { wrapDriver } from "../../../src/storage/wrappers/wrap-driver.ts";
import { buildRandomTree, pushSteps } from "../../support/random-tree.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const DIST = new URL("../../../dist/", import.meta.url);
const NEVER = Number.POSITIVE_INFINITY;

async function plan(
  driver: StorageDriver,
  options: Partial<CollectionPlanOptions> & { deleteUntagged?: boolean; agesMatter?: boolean } = {},
): Promise<ReturnType<typeof comparable>> {
  const { deleteUntagged = true, agesMatter = true, ...rest } = options;
  const rules = {
    deleteUntagged,
    agesMatter,
    keepWrittenAfterMs: Date.now() + 1000,
    keepUntaggedAfterMs: NEVER,
  };
  return comparable(await planCollection(driver, { rules, concurrency: 4, ...rest }));
}

/** What a plan says, by digests instead of the numbers that they have in it. */
function comparable(plan: CollectionPlan) {
  const { table, references, blobs } = plan;
  const name = (id: number): string => table.digestOf(id);
  return {
    repositories: plan.repositories.map(({ repository, history, manifests, layerLinks, isEmptied }) => ({
      repository,
      isEmptied,
      history: history.map(({ tag, ids }) => [tag, ids.map(name)]),
      manifests: manifests.map(({ id, level, isAbsent, lastTagged }) => [
        name(id),
        level,
        isAbsent,
        lastTagged?.tag,
      ]),
      sizes: manifests.map(({ id }) => references.describedSize(id)),
      layerLinks: layerLinks.map(name),
    })),
    emptyRepositories: plan.emptyRepositories,
    blobs: Array.from({ length: blobs.length }, (_, index) => [
      name(blobs.id(index)),
      blobs.sizeBytes(index),
    ]),
    eligible: plan.eligible,
    marked: plan.marked,
    found: plan.found,
    warnings: [...plan.warnings].sort(),
    failures: plan.failures.map(({ path }) => path),
  };
}

function withoutAmounts({ found, marked, ...rest }: ReturnType<typeof comparable>) {
  return { ...rest, found: { ...found, manifests: 0, blobs: 0, bytes: 0 } };
}

/** The same store, which can only be scanned file by file. */
function scannedFlat(driver: StorageDriver): StorageDriver {
  return wrapDriver(driver, { without: ["listNamesSync"] });
}

class KeptInMemory implements ManifestRecordSource {
  kept: KeptManifest[] = [];
  saves = 0;

  async load(add: Parameters<ManifestRecordSource["load"]>[0]): Promise<void> {
    // Longer than folders take to be listed meanwhile.
    await sleep(20);
    for (const { algorithm, digest, record } of this.kept) add(algorithm, digest, record);
  }

  async save(manifests: Iterable<KeptManifest>): Promise<void> {
    this.saves++;
    this.kept = [];
    for (const { algorithm, digest, record } of manifests) {
      this.kept.push({ algorithm, digest: digest.slice(), record: record.slice() });
    }
  }
}

async function newTree(): Promise<RegistryTree> {
  return new RegistryTree(new FilesystemDriver({ rootDirectory: await temporaryFolder() }));
}

/** Removes some files or emptied folders, by number. */
async function damage(tree: RegistryTree, picks: readonly number[]): Promise<void> {
  const files = (await tree.files()).filter((path) => !path.includes("/zz/"));
  for (const pick of picks) {
    const path = files[pick % Math.max(files.length, 1)];
    if (path) await rm(join(tree.driver.location, path), { force: true });
  }
}

describe("a plan", () => {
  it("is the same by the names of folders as file by file, on sound and on damaged stores", async () => {
    await fc.assert(
      fc.asyncProperty(
        pushSteps,
        // Of two, one can put a repository in doubt, in which a folder without a link then counts as one.
        fc.array(fc.nat(), { maxLength: 1 }),
        fc.boolean(),
        async (steps, picks, deleteUntagged) => {
          const tree = await newTree();
          await buildRandomTree(tree, steps);
          await damage(tree, picks);

          const byNames = await plan(tree.driver, { deleteUntagged });
          const byFiles = await plan(scannedFlat(tree.driver), { deleteUntagged });

          if (picks.length === 0) expect(byNames).toEqual(byFiles);
          // What is needed and missing is counted as if it were there.
          else expect(withoutAmounts(byNames)).toEqual(withoutAmounts(byFiles));
        },
      ),
      { numRuns: 40 },
    );
  }, 90_000);

  it("is the same with digests of several algorithms, and links to what is stored by its sha256", async () => {
    await fc.assert(
      fc.asyncProperty(pushSteps, fc.boolean(), fc.boolean(), async (steps, isTagged, deleteUntagged) => {
        const tree = await newTree();
        await buildRandomTree(tree, steps);
        const app = tree.repository("a");
        const long = await app.layer("long", "sha512");
        const stored = await tree.blob("stored by its sha256");
        const alias = digestOf(Buffer.from("stored by its sha256"), "sha512");
        await tree.driver.put(layerLinkPath("a", alias), Buffer.from(stored));
        await app.linkLayer(stored);
        const layers = [long, { ...long, digest: alias }, "layer 1"];
        const image = await app.image("of both", layers, { algorithm: "sha512" });
        await app.index([image], isTagged ? { tag: "both" } : {});

        const byNames = await plan(tree.driver, { deleteUntagged });

        expect(byNames).toEqual(await plan(scannedFlat(tree.driver), { deleteUntagged }));
        const gone = byNames.blobs.map(([digest]) => digest);
        const kept = [stored, long.digest, image.digest].filter((digest) => !gone.includes(digest));
        expect(kept).toHaveLength(isTagged || !deleteUntagged ? 3 : 0);
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  it("is the same with what an earlier run has kept, which then reads no manifest", async () => {
    await fc.assert(
      fc.asyncProperty(pushSteps, async (steps) => {
        const tree = await newTree();
        await buildRandomTree(tree, steps);
        const manifestCache = new KeptInMemory();
        const cold = await plan(tree.driver, { manifestCache });
        const { kept } = manifestCache;

        const warm = await plan(tree.driver, { manifestCache });

        expect(warm).toEqual(cold);
        expect(manifestCache.saves).toBe(1);
        expect(manifestCache.kept).toBe(kept);
        expect(kept.length).toBeGreaterThan(0);
      }),
      { numRuns: 20 },
    );
  });

  it("tells what went wrong with what was kept, also where nothing needs it", async () => {
    const broken: ManifestRecordSource = {
      load: () => Promise.reject(new Error("a bug")),
      save: () => Promise.resolve(),
    };
    const empty = await newTree();
    await expect(plan(empty.driver, { manifestCache: broken })).rejects.toThrow("a bug");
    const filled = await newTree();
    await filled.repository("app").image("one", ["a"], { tag: "v1" });
    await expect(plan(filled.driver, { manifestCache: broken })).rejects.toThrow("a bug");
  });

  it("forgets manifests that are gone once they are many", async () => {
    const tree = await newTree();
    const app = tree.repository("app");
    await app.image("kept", ["a"], { tag: "v1" });
    const gone = await app.image("gone", ["b"], { tag: "v2" });
    const manifestCache = new KeptInMemory();
    await plan(tree.driver, { manifestCache });
    expect(manifestCache.kept).toHaveLength(2);

    await app.untag("v2");
    for (const path of await tree.files()) {
      if (path.includes(gone.digest.slice("sha256:".length))) await rm(join(tree.driver.location, path));
    }
    await plan(tree.driver, { manifestCache });

    expect(manifestCache.saves).toBe(2);
    expect(manifestCache.kept).toHaveLength(1);
  });

  it("without regard to ages leaves out nothing but folders without a file, which no listing shows", async () => {
    const tree = await newTree();
    const app = tree.repository("app");
    await app.image("old", ["a"], { tag: "v1" });
    await app.image("new", ["b"], { tag: "v1" });

    expect(await plan(tree.driver, { agesMatter: false })).toEqual(await plan(tree.driver));
  });

  it("takes no blob of which nothing can be told, whether ages matter or not", async () => {
    const tree = await newTree();
    await tree.repository("app").image("one", ["a"], { tag: "v1" });
    const orphan = await tree.blob("orphan");
    const driver = wrapDriver(tree.driver, {
      callSync: (call, run) => {
        if (call.method === "statFileSync" && call.path.includes(orphan.slice(10))) throw new Error("EIO");
        return run();
      },
    });

    for (const agesMatter of [true, false]) {
      const { eligible, warnings } = await plan(driver, { agesMatter });
      expect(eligible.blobs).toBe(0);
      expect(warnings).toEqual([expect.stringContaining("EIO")]);
    }
  });

  it("keeps an untagged manifest while a tag-history link of it cannot be looked at, whether ages matter or not", async () => {
    const tree = await newTree();
    const app = tree.repository("app");
    const old = await app.image("old", ["a"], { tag: "v1" });
    await app.image("new", ["b"], { tag: "v1" });
    const historyLink = tagHistoryLinkPath("app", "v1", old.digest);
    const driver = wrapDriver(tree.driver, {
      callSync: (call, run) => {
        if (call.method === "statFileSync" && call.path === historyLink) throw new Error("EIO");
        return run();
      },
    });

    for (const agesMatter of [true, false]) {
      expect((await plan(tree.driver, { agesMatter })).eligible.manifests).toBe(1);
      expect((await plan(driver, { agesMatter })).eligible).toMatchObject({
        manifests: 0,
        tagHistoryLinks: 0,
      });
    }
  });

  it("is the same in worker threads", async () => {
    const { openDriver } = await import(new URL("storage/open-driver.js", DIST).href);
    const built = await import(new URL("registry/plan/plan-collection.js", DIST).href);
    const tree = await newTree();
    for (let number = 0; number < 40; number++) {
      const repository = tree.repository(`group/app-${number}`);
      await repository.image(`first ${number}`, ["shared", `own ${number}`], { tag: "v1" });
      await repository.image(`second ${number}`, ["shared"], { tag: "v1" });
      if (number % 10 === 0) await repository.layer("by sha512", "sha512");
    }
    const inline = await plan(tree.driver);
    const settings = { driver: "filesystem", rootDirectory: tree.driver.location, maxThreads: 100 };
    const driver = await openDriver(settings);
    const rules = { deleteUntagged: true, keepWrittenAfterMs: Date.now() + 1000, keepUntaggedAfterMs: NEVER };

    const threaded = await built.planCollection(driver, { rules, concurrency: 4, threads: 2 });

    expect(comparable(threaded)).toEqual(inline);
    expect(inline.eligible.manifests).toBe(40);
  });
});
