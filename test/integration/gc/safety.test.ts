import { describe, expect, it } from "vitest";
import { CancelledError, RegistryStateError, StorageFullError } from "../../../src/errors.ts";
import type { GarbageOptions } from "../../../src/operations/gc/garbage-options.ts";
import {
  blobDataPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../../src/registry/paths.ts";
import { STORE_LOCK_PATH, StoreLockedError } from "../../../src/state/store-lock.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { ClockedMemoryDriver } from "../../support/clocked-memory-driver.ts";
import { collect, TEST_HOLDER } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };

function clockedTree(): { driver: ClockedMemoryDriver; tree: RegistryTree; nowMs: () => number } {
  const driver = new ClockedMemoryDriver(START);
  return { driver, tree: new RegistryTree(driver), nowMs: () => driver.nowMs };
}

async function untaggedTree(): Promise<RegistryTree> {
  const tree = new RegistryTree(new MemoryDriver());
  const app = tree.repository("app");
  await app.image("old", ["old"], { tag: "v1" });
  await app.image("new", ["new"], { tag: "v1" });
  return tree;
}

describe("the grace period", () => {
  it("keeps young blobs and layer links of a push under way, and takes them when they are old", async () => {
    const { driver, tree, nowMs } = clockedTree();
    const app = tree.repository("app");
    await app.image("one", [], { tag: "v1" });
    driver.nowMs += DAY;
    const layer = await app.layer("being pushed");
    const unlinked = await tree.blob("just finished");
    driver.nowMs += HOUR - 1;

    const early = await collect(driver, { graceMs: HOUR, deleteUntagged: true }, { nowMs });
    expect(early.deleted).toEqual(NOTHING);
    expect(await app.hasLayer(layer.digest)).toBe(true);
    driver.nowMs += 1;
    const late = await collect(driver, { graceMs: HOUR, deleteUntagged: true }, { nowMs });
    expect(late.deleted).toMatchObject({ blobs: 2, layerLinks: 1 });
    expect(await tree.hasBlob(unlinked)).toBe(false);
  });

  it("keeps an old blob under a young layer link", async () => {
    const { driver, tree, nowMs } = clockedTree();
    const digest = await tree.blob("mounted lately");
    await tree.repository("other").image("one", [], { tag: "v1" });
    driver.nowMs += DAY;
    await tree.repository("app").linkLayer(digest);

    const report = await collect(driver, { graceMs: HOUR }, { nowMs });

    expect(report.deleted).toEqual(NOTHING);
  });

  it("keeps the children of an index that is still to be pushed, with everything below them", async () => {
    const { driver, tree, nowMs } = clockedTree();
    const app = tree.repository("app");
    await app.image("one", [], { tag: "v1" });
    const layer = await app.layer("pushed long ago");
    driver.nowMs += DAY;
    const child = await app.image("amd64", [layer]);

    const report = await collect(driver, { graceMs: HOUR, deleteUntagged: true }, { nowMs });

    expect(report.deleted).toEqual(NOTHING);
    expect(await app.missingFor(child.digest)).toEqual([]);
  });

  it("keeps an old manifest that a young tag-history link names: its tag comes next", async () => {
    const { driver, tree, nowMs } = clockedTree();
    const app = tree.repository("app");
    await app.image("one", [], { tag: "v1" });
    const old = await app.image("two", ["layer"]);
    driver.nowMs += DAY;
    await app.tag("v2", old.digest);
    await tree.driver.delete(tagCurrentLinkPath("app", "v2"));

    const report = await collect(driver, { graceMs: HOUR, deleteUntagged: true }, { nowMs });

    expect(report.deleted).toEqual(NOTHING);
  });

  it("spares what was written after the scan, even without grace", async () => {
    const { driver, tree, nowMs } = clockedTree();
    const app = tree.repository("app");
    await app.image("one", [], { tag: "v1" });
    const orphan = await tree.blob("pushed again");

    const report = await collect(
      driver,
      {
        onPlan: async () => {
          driver.nowMs += 1000;
          await tree.blob("pushed again");
        },
      },
      { nowMs },
    );

    expect(report.eligible.blobs).toBe(1);
    expect(report.deleted).toEqual(NOTHING);
    expect(await tree.hasBlob(orphan)).toBe(true);
  });

  it("is measured by the store's clock, and refuses one that is more than five minutes off", async () => {
    const { driver, tree } = clockedTree();
    await tree.repository("app").image("one", [], { tag: "v1" });
    const nowMs = (): number => START + 5 * 60_000 + 1;

    await expect(collect(driver, {}, { nowMs })).rejects.toThrow(RegistryStateError);
    await expect(collect(driver, {}, { nowMs: () => START + 5 * 60_000 })).resolves.toBeDefined();
  });
});

describe("--untagged-for", () => {
  it("counts from the moment when the tag was moved, not from the push", async () => {
    const { driver, tree, nowMs } = clockedTree();
    const app = tree.repository("app");
    const old = await app.image("old", ["old layer"], { tag: "latest" });
    driver.nowMs += 30 * DAY;
    await app.image("new", ["new layer"], { tag: "latest" });
    driver.nowMs += 6 * DAY;
    const options = { deleteUntagged: true, untaggedForMs: 7 * DAY };

    expect((await collect(driver, options, { nowMs })).deleted).toEqual(NOTHING);
    expect(await app.missingFor(old.digest)).toEqual([]);
    driver.nowMs += 2 * DAY;
    expect((await collect(driver, options, { nowMs })).deleted).toMatchObject({ manifests: 1, blobs: 3 });
  });

  it("takes the first move away, however often the tag was moved since", async () => {
    const { driver, tree, nowMs } = clockedTree();
    const app = tree.repository("app");
    const oldest = await app.image("1", [], { tag: "latest" });
    driver.nowMs += DAY;
    const middle = await app.image("2", [], { tag: "latest" });
    driver.nowMs += 10 * DAY;
    await app.image("3", [], { tag: "latest" });

    await collect(driver, { deleteUntagged: true, untaggedForMs: 7 * DAY }, { nowMs });

    expect(await app.hasRevision(oldest.digest)).toBe(false);
    expect(await app.hasRevision(middle.digest)).toBe(true);
  });

  it("spares the children of an index that lost its tag lately", async () => {
    const { driver, tree, nowMs } = clockedTree();
    const app = tree.repository("app");
    const index = await app.index([await app.image("amd64", ["a"])], { tag: "v1" });
    driver.nowMs += 30 * DAY;
    await app.image("next", [], { tag: "v1" });

    const report = await collect(driver, { deleteUntagged: true, untaggedForMs: 7 * DAY }, { nowMs });

    expect(report.deleted).toEqual(NOTHING);
    expect(await app.missingFor(index.digest)).toEqual([]);
  });
});

describe("referrers", () => {
  it("follow their subject, over any number of steps, also as an index", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"], { tag: "v1" });
    const sbom = await app.artifact("sbom", image);
    const signature = await app.artifact("signature of the sbom", sbom);
    const part = await app.image("part", ["part of an attestation"]);
    const attestation = await app.index([part], { subject: signature });
    const dead = await app.image("dead", ["dead layer"]);
    const ofDead = await app.artifact("of the dead", dead);

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ manifests: 2, blobs: 5 });
    for (const kept of [image, sbom, signature, attestation]) {
      expect(await app.missingFor(kept.digest)).toEqual([]);
    }
    expect(await app.hasRevision(ofDead.digest)).toBe(false);
  });

  it("go where their subject is not in the repository", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const [app, other] = [tree.repository("app"), tree.repository("other")];
    const image = await other.image("one", [], { tag: "v1" });
    const sbom = await app.artifact("sbom", image);

    await collect(tree.driver, { deleteUntagged: true });

    expect(await app.hasRevision(sbom.digest)).toBe(false);
  });

  it("keep layers that an index lists without a manifest, as BuildKit's caches do", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const cache = await app.index([await app.layer("cached"), await app.layer("config of the cache")], {
      tag: "cache",
    });

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(await app.missingFor(cache.digest)).toEqual([]);
  });
});

describe("the order of the sweep", () => {
  it("removes a dead index before what it lists, and links before blobs", async () => {
    const order: string[] = [];
    class Recorder extends MemoryDriver {
      override async deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
        order.push(...paths);
        return super.deleteMany(paths);
      }
    }
    const tree = new RegistryTree(new Recorder());
    const app = tree.repository("app");
    const children = [await app.image("1", ["a"]), await app.image("2", ["b"]), await app.image("3", ["c"])];
    const inner = await app.index(children);
    const outer = await app.index([inner], { tag: "v1" });
    await app.image("now", [], { tag: "v1" });

    await collect(tree.driver, { deleteUntagged: true });

    const at = (path: string): number => order.indexOf(path);
    const revisions = [outer, inner].map(({ digest }) => at(revisionLinkPath("app", digest)));
    const childRevisions = children.map(({ digest }) => at(revisionLinkPath("app", digest)));
    expect(revisions).toEqual([1, 2]);
    expect(childRevisions.sort()).toEqual([3, 4, 5]);
    expect(at(tagHistoryLinkPath("app", "v1", outer.digest))).toBe(0);
    expect(order.findLastIndex((path) => path.includes("/_layers/"))).toBeLessThan(
      order.findIndex((path) => path.includes("/blobs/")),
    );
  });
});

describe("an index that says of a manifest that it is a blob", () => {
  it("keeps what that manifest refers to", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"]);
    await app.index([{ ...image, mediaType: "application/octet-stream" }], { tag: "v1" });

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(await app.missingFor(image.digest)).toEqual([]);
  });
});

describe("brakes", () => {
  it("refuses a store without repositories but with blobs, unless allowed", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    await tree.blob("all that is mounted");

    await expect(collect(tree.driver)).rejects.toThrow("the store has no repository, but 1 blobs");
    const dry = await collect(tree.driver, { dryRun: true });
    expect(dry.warnings).toEqual([
      expect.stringContaining("a real run would refuse: the store has no repository"),
    ]);
    expect((await collect(tree.driver, { allowEmpty: true })).deleted.blobs).toBe(1);
  });

  it("refuses with -m a store without a tag, unless allowed", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    await tree.repository("app").image("one", []);

    expect((await collect(tree.driver)).deleted).toEqual(NOTHING);
    await expect(collect(tree.driver, { deleteUntagged: true })).rejects.toThrow(RegistryStateError);
    const report = await collect(tree.driver, { deleteUntagged: true, allowEmpty: true });
    expect(report.deleted.manifests).toBe(1);
  });

  it("stops before the sweep where more than --max-delete would go", async () => {
    const tree = await untaggedTree();
    const before = await tree.files();

    await expect(collect(tree.driver, { deleteUntagged: true, maxDeletePercent: 30 })).rejects.toThrow(
      /would go, at most 30% may/,
    );
    expect(await tree.files()).toEqual(before);
    const report = await collect(tree.driver, { deleteUntagged: true, maxDeletePercent: 60 });
    expect(report.deleted.manifests).toBe(1);
  });

  it("asks about --max-delete where somebody can be asked", async () => {
    const tree = await untaggedTree();
    const options = { deleteUntagged: true, maxDeletePercent: 10 };
    const no = async (): Promise<void> => {
      throw new CancelledError();
    };

    await expect(collect(tree.driver, { ...options, confirmLargeDelete: no })).rejects.toThrow(
      CancelledError,
    );
    const report = await collect(tree.driver, { ...options, confirmLargeDelete: async () => {} });
    expect(report.deleted.manifests).toBe(1);
  });

  it("refuses a registry whose metadata is in a database", async () => {
    const tree = await untaggedTree();
    await expect(collect(tree.driver, { usesMetadataDatabase: true })).rejects.toThrow(/database/);
    await tree.driver.put("/docker/registry/lockfiles/database-in-use", Buffer.from("{}"));
    await expect(collect(tree.driver, { force: true })).rejects.toThrow(/database-in-use/);
    expect((await collect(tree.driver, { dryRun: true })).warnings).toHaveLength(1);
  });

  it("refuses where a registry on this host has another store", async () => {
    const tree = await untaggedTree();
    const otherStores = [new RegistryStateError("another store")];
    await expect(collect(tree.driver, { otherStores })).rejects.toThrow("another store");
  });
});

describe("the proof that nobody writes", () => {
  it("refuses a registry that takes writes; --force does without", async () => {
    const tree = await untaggedTree();
    const probe = async () => ({ kind: "other" as const, answer: "401 Unauthorized" });

    await expect(collect(tree.driver, {}, { probe })).rejects.toThrow(
      "the write probe was answered 401 Unauthorized",
    );
    expect((await collect(tree.driver, { dryRun: true }, { probe })).warnings).toHaveLength(1);
    expect(
      (await collect(tree.driver, { deleteUntagged: true, force: true }, { probe })).deleted.manifests,
    ).toBe(1);
  });

  it("goes on beside a read-only one", async () => {
    const tree = await untaggedTree();
    const probe = async () => ({ kind: "read-only" as const });
    expect((await collect(tree.driver, { deleteUntagged: true }, { probe })).deleted.manifests).toBe(1);
  });

  it("asks again right before the sweep", async () => {
    const tree = await untaggedTree();
    const before = await tree.files();
    let asked = 0;
    const probe = async () =>
      ++asked === 1
        ? { kind: "nobody" as const }
        : { kind: "other" as const, answer: "400: it takes writes" };

    await expect(collect(tree.driver, { deleteUntagged: true }, { probe })).rejects.toThrow(
      "400: it takes writes",
    );
    expect(await tree.files()).toEqual(before);
  });

  it.each([
    ["a minute later", 60_000],
    ["when the clock was set back", -3_600_000],
  ])("asks again in the sweep, %s, and removes nothing more if writes are taken", async (_, passedMs) => {
    const tree = await untaggedTree();
    let nowMs = Date.now();
    let takesWrites = false;
    const probe = async () =>
      takesWrites ? { kind: "other" as const, answer: "202 Accepted" } : { kind: "nobody" as const };
    const onProgress: GarbageOptions["onProgress"] = ({ step }) => {
      if (step !== "sweep") return;
      takesWrites = true;
      nowMs += passedMs;
    };

    const run = collect(tree.driver, { deleteUntagged: true, onProgress }, { probe, nowMs: () => nowMs });

    await expect(run).rejects.toThrow("202 Accepted");
    expect((await collect(tree.driver, { deleteUntagged: true })).deleted).toMatchObject({
      tagHistoryLinks: 0,
      manifests: 1,
    });
  });
});

describe("the store's lock", () => {
  const held = (over: object): Buffer =>
    Buffer.from(
      JSON.stringify({
        token: "other",
        host: "elsewhere",
        bootId: "boot-2",
        pidNamespace: "pid:[2]",
        pid: 17,
        startedAt: new Date().toISOString(),
        leaseUntil: new Date(Date.now() + 60_000).toISOString(),
        ...over,
      }),
    );

  it("keeps a second run out, or lets it do nothing", async () => {
    const tree = await untaggedTree();
    await tree.driver.put(STORE_LOCK_PATH, held({}));

    await expect(collect(tree.driver, { force: true })).rejects.toThrow(StoreLockedError);
    const skipped = await collect(tree.driver, { deleteUntagged: true, skipIfLocked: true });
    expect(skipped.deleted).toEqual(NOTHING);
    expect(skipped.warnings).toEqual([expect.stringContaining("process 17 on elsewhere")]);
    expect(await tree.has(STORE_LOCK_PATH)).toBe(true);
  });

  it("is held during the run and gone after it, also after a failure", async () => {
    const tree = await untaggedTree();
    const seen: boolean[] = [];
    const onPlan = async (): Promise<void> => {
      seen.push(await tree.has(STORE_LOCK_PATH));
      await expect(collect(tree.driver)).rejects.toThrow(StoreLockedError);
      throw new Error("no");
    };

    await expect(collect(tree.driver, { onPlan })).rejects.toThrow("no");
    expect(seen).toEqual([true]);
    expect(await tree.has(STORE_LOCK_PATH)).toBe(false);
  });

  it.each([
    ["whose holder died on this machine", { bootId: "boot-1", pidNamespace: "pid:[1]" }],
    ["whose lease is over", { leaseUntil: new Date(Date.now() - 6 * 60_000).toISOString() }],
  ])("is broken: one %s", async (_, over) => {
    const tree = await untaggedTree();
    await tree.driver.put(STORE_LOCK_PATH, held(over));
    const holder = { ...TEST_HOLDER, isAlive: () => false };

    const report = await collect(tree.driver, { deleteUntagged: true }, { holder });

    expect(report.deleted.manifests).toBe(1);
    expect(await tree.files("/docker/registry/lockfiles")).toEqual([]);
  });

  it.each([
    ["in another boot", { bootId: "boot-2", pidNamespace: "pid:[1]" }],
    ["in another container", { bootId: "boot-1", pidNamespace: "pid:[2]" }],
  ])("is not broken for a holder %s, whose process id says nothing", async (_, over) => {
    const tree = await untaggedTree();
    await tree.driver.put(STORE_LOCK_PATH, held(over));
    const holder = { ...TEST_HOLDER, isAlive: () => false };
    await expect(collect(tree.driver, {}, { holder })).rejects.toThrow(StoreLockedError);
  });

  it("is done without on a full disk", async () => {
    class FullDisk extends MemoryDriver {
      full = false;
      override async putIfAbsent(path: string, content: Uint8Array): Promise<boolean> {
        if (this.full) throw new StorageFullError("ENOSPC");
        return super.putIfAbsent(path, content);
      }
    }
    const driver = new FullDisk();
    const tree = new RegistryTree(driver);
    await tree.repository("app").image("one", [], { tag: "v1" });
    const orphan = await tree.blob("orphan");
    driver.full = true;

    const report = await collect(driver);

    expect(report.warnings).toEqual(["no lock was taken: the store has no room for a lock"]);
    expect(await tree.hasBlob(orphan)).toBe(false);
  });

  it("is not taken by a dry run", async () => {
    const tree = await untaggedTree();
    await tree.driver.put(STORE_LOCK_PATH, held({}));
    await expect(collect(tree.driver, { dryRun: true })).resolves.toBeDefined();
  });
});

describe("stopping", () => {
  it("ends between two batches, says what is done, and another run finishes", async () => {
    const tree = await untaggedTree();
    const controller = new AbortController();
    const run = collect(tree.driver, {
      deleteUntagged: true,
      signal: controller.signal,
      onProgress: (event) => {
        if (event.step === "sweep" && event.phase === "manifests") controller.abort();
      },
    });

    await expect(run).rejects.toThrow("stopped after deleting 1 manifests, 0 layer links and 0 blobs (0 B)");
    await expect(run).rejects.toThrow(CancelledError);
    expect(await tree.has(STORE_LOCK_PATH)).toBe(false);
    expect((await collect(tree.driver, { deleteUntagged: true })).deleted).toMatchObject({
      blobs: 3,
      layerLinks: 2,
    });
  });

  it("ends in the middle of the scan", async () => {
    const tree = await untaggedTree();
    await expect(collect(tree.driver, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });
});

it("counts what is missing in the store but described as no blob", async () => {
  const tree = new RegistryTree(new MemoryDriver());
  const app = tree.repository("app");
  const image = await app.image("one", ["layer"], { tag: "v1" });
  const [first] = await app.missingFor(image.digest);
  expect(first).toBeUndefined();
  const layer = await app.layer("layer");
  await tree.driver.delete(blobDataPath(layer.digest));

  const report = await collect(tree.driver);

  expect(report.marked.blobs).toBe(2);
});
