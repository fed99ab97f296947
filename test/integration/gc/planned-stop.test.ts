import { describe, expect, it } from "vitest";
import { CancelledError } from "../../../src/errors.ts";
import type { GarbageOptions, GarbageProgress } from "../../../src/operations/gc/garbage-options.ts";
import type { VerifyOutcome } from "../../../src/operations/gc/garbage-report.ts";
import { PlannedStop } from "../../../src/operations/gc/planned-stop.ts";
import { STORE_LOCK_PATH } from "../../../src/state/store-lock.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };

/** One image that stays; one that goes, with a config and two layers. */
async function buildTree(): Promise<RegistryTree> {
  const tree = new RegistryTree(new MemoryDriver());
  await tree.repository("app").image("kept", ["base"], { tag: "v1" });
  await tree.repository("app").image("dead", ["a", "b"]);
  return tree;
}

/** Stops a collection when it tells of something. */
function stopAt(reason: Error, when: (event: GarbageProgress) => boolean): Partial<GarbageOptions> {
  const controller = new AbortController();
  return {
    deleteUntagged: true,
    signal: controller.signal,
    onProgress: (event) => {
      if (when(event)) controller.abort(reason);
    },
  };
}

const afterManifests = (event: GarbageProgress): boolean =>
  event.step === "sweep" && event.phase === "manifests";

describe("a planned stop", () => {
  it("in the sweep ends it between two batches, with a report of what was done", async () => {
    const tree = await buildTree();
    const report = await collect(tree.driver, stopAt(new PlannedStop("until"), afterManifests));
    expect(report).toMatchObject({
      stopped: { kind: "until", phase: "layer links" },
      deleted: { ...NOTHING, manifests: 1 },
      eligible: { manifests: 1, layerLinks: 3, blobs: 4 },
      failed: [],
    });
    expect(await tree.has(STORE_LOCK_PATH)).toBe(false);
    const rest = await collect(tree.driver, { deleteUntagged: true });
    expect(rest.stopped).toBeUndefined();
    expect(rest.deleted).toMatchObject({ manifests: 0, layerLinks: 3, blobs: 4 });
  });

  it("while the store is read ends it with a report of nothing", async () => {
    const tree = await buildTree();
    const before = await tree.files();
    const report = await collect(
      tree.driver,
      stopAt(new PlannedStop("stop"), ({ step }) => step === "plan"),
    );
    expect(report).toMatchObject({ stopped: { kind: "stop", phase: "plan" }, deleted: NOTHING });
    expect(report.found).toBeUndefined();
    expect(await tree.files()).toEqual(before);
  });

  it("before the start ends it too", async () => {
    const tree = await buildTree();
    const signal = AbortSignal.abort(new PlannedStop("until"));
    expect((await collect(tree.driver, { signal })).stopped).toEqual({ kind: "until", phase: "plan" });
  });

  it("that comes when all is done changes nothing", async () => {
    const tree = await buildTree();
    const afterBlobs = (event: GarbageProgress): boolean => event.step === "sweep" && event.phase === "blobs";
    const report = await collect(tree.driver, stopAt(new PlannedStop("stop"), afterBlobs));
    expect(report.stopped).toBeUndefined();
    expect(report.deleted.blobs).toBe(4);
  });

  it("while it verifies tells so, with what was deleted", async () => {
    const tree = await buildTree();
    const controller = new AbortController();
    const verifyAfter = async (): Promise<VerifyOutcome> => {
      controller.abort(new PlannedStop("stop"));
      throw new CancelledError();
    };
    const report = await collect(tree.driver, {
      deleteUntagged: true,
      signal: controller.signal,
      verifyAfter,
    });
    expect(report).toMatchObject({ stopped: { kind: "stop", phase: "verify" }, deleted: { blobs: 4 } });
    expect(report.verified).toBeUndefined();
  });
});

describe("any other stop", () => {
  it("is an error that says what is done", async () => {
    const tree = await buildTree();
    await expect(collect(tree.driver, stopAt(new Error("SIGINT"), afterManifests))).rejects.toMatchObject({
      name: "CancelledError",
      message: expect.stringContaining("stopped after deleting 1 manifests, 0 layer links and 0 blobs (0 B)"),
    });
    expect(await tree.has(STORE_LOCK_PATH)).toBe(false);
  });
});

describe("a verification after the sweep", () => {
  const verified: VerifyOutcome = { complete: false, problems: 2, lines: ["app:v1 is broken"] };

  it("comes while the lock is held, when everything is removed, and is in the report", async () => {
    const tree = await buildTree();
    const seen: unknown[] = [];
    const verifyAfter = async (): Promise<VerifyOutcome> => {
      seen.push(await tree.has(STORE_LOCK_PATH), (await tree.files("/docker/registry/v2/blobs")).length);
      return verified;
    };
    const report = await collect(tree.driver, { deleteUntagged: true, verifyAfter });
    expect(seen).toEqual([true, 3]);
    expect(report.verified).toEqual(verified);
  });

  it("looks at what is there in a dry run", async () => {
    const tree = await buildTree();
    const report = await collect(tree.driver, { dryRun: true, verifyAfter: async () => verified });
    expect(report.verified).toEqual(verified);
  });

  it("is not made after a planned stop", async () => {
    const tree = await buildTree();
    const report = await collect(tree.driver, {
      ...stopAt(new PlannedStop("until"), afterManifests),
      verifyAfter: async () => verified,
    });
    expect(report.verified).toBeUndefined();
  });
});

it("tells how far the sweep is, up to the end of all phases", async () => {
  const tree = await buildTree();
  await tree.repository("gone").image("old", [], { tag: "v1" });
  await tree.repository("gone").untag("v1");
  const events: GarbageProgress[] = [];
  await collect(tree.driver, { deleteUntagged: true, onProgress: (event) => events.push(event) });
  const swept = events.filter((event) => event.step === "sweep");
  const total = 2 + 4 + 1 + 6;
  expect(swept.map(({ phase, done, total, overallDone }) => [phase, done, total, overallDone])).toEqual([
    ["manifests", 2, 2, 2],
    ["layer links", 4, 4, 6],
    ["empty repositories", 1, 1, 7],
    ["blobs", 6, 6, total],
  ]);
  expect(swept.every(({ overallTotal }) => overallTotal === total)).toBe(true);
});

it("tells how long each part took, without the time of an answer", async () => {
  const tree = await buildTree();
  let nowMs = Date.UTC(2026, 0, 1);
  const report = await collect(
    tree.driver,
    {
      dryRun: true,
      onPlan: async () => {
        nowMs += 3000;
      },
      verifyAfter: async () => {
        nowMs += 2500;
        return { complete: true, problems: 0, lines: [] };
      },
    },
    { nowMs: () => nowMs },
  );
  expect(report).toMatchObject({
    startedAt: "2026-01-01T00:00:00.000Z",
    seconds: 5.5,
    phaseSeconds: { plan: 0, sweep: 0, verify: 2.5 },
  });
});
