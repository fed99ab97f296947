import { describe, expect, it } from "vitest";
import { PathNotFoundError, RegistryStateError, StorageUnavailableError } from "../../../src/errors.ts";
import { RunLostError } from "../../../src/registry/apply/run-lost-error.ts";
import { UNDECIDED_MS } from "../../../src/registry/apply/slice-gate.ts";
import { blobDataPath, REPOSITORIES_ROOT, revisionLinkPath } from "../../../src/registry/paths.ts";
import { GarbageJournal } from "../../../src/state/journal.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { OddListing } from "../../support/odd-stores.ts";
import { RecordingGate } from "../../support/recording-gate.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { RemoteStore } from "../../support/remote-store.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** Would refuse, were it asked: a server that serves takes writes. */
const probe = async () => ({ kind: "other", answer: "202" }) as const;

/** A store in memory with an image that stays and one that goes. */
async function twoImages(driver = new MemoryDriver()) {
  const tree = new RegistryTree(driver);
  const app = tree.repository("app");
  const kept = await app.image("kept", ["shared"], { tag: "v1" });
  const dead = await app.image("dead", ["layer"], { tag: "old" });
  await app.tag("old", kept.digest);
  return { driver, tree, app, kept, dead, gate: new RecordingGate() };
}

describe("collecting beside a server that takes writes", () => {
  it("asks nobody whether it is read-only, and collects as a stopped registry would", async () => {
    const { driver, tree, app, kept, dead, gate } = await twoImages();

    const report = await collect(driver, { deleteUntagged: true }, { gate, probe });

    expect(report.deleted).toMatchObject({ manifests: 1, layerLinks: 2, blobs: 3, tagHistoryLinks: 1 });
    expect(await tree.hasBlob(dead.digest)).toBe(false);
    expect(await app.missingFor(kept.digest)).toEqual([]);
  });

  it("reads nothing of the store's content before every process has acknowledged that it begins", async () => {
    const { gate } = await twoImages();
    const store = new RemoteStore({ inner: (await twoImages()).driver });
    const read: string[] = [];
    store.before = ({ path }) => {
      if (gate.begun === 0 && path.startsWith("/docker/registry/v2")) read.push(path);
    };
    const folder = await temporaryFolder();
    const journal = new GarbageJournal({ folder, version: "0" });

    const { deleted } = await collect(store.driver, { deleteUntagged: true }, { gate, probe, journal });

    expect([read, deleted.blobs]).toEqual([[], 3]);
  });

  it("removes only what is condemned at that moment, and concludes every slice", async () => {
    const { driver, app, gate, dead } = await twoImages();
    const removed: string[] = [];
    const deleteMany = driver.deleteMany.bind(driver);
    driver.deleteMany = async (paths) => {
      for (const path of paths) {
        const digest = `sha256:${/([0-9a-f]{64})\/(?:link|data)$/.exec(path)?.[1]}`;
        const key = path.includes("/blobs/") ? digest : `app@${digest}`;
        expect(gate.condemned, path).toContain(key);
        removed.push(path);
      }
      return deleteMany(paths);
    };

    await collect(driver, { deleteUntagged: true }, { gate, probe });

    expect(removed).toContain(revisionLinkPath("app", dead.digest));
    expect(removed).toContain(blobDataPath(dead.digest));
    expect(removed).toHaveLength(7);
    expect(gate.slices.every(({ concluded }) => concluded)).toBe(true);
    expect(await app.hasRevision(dead.digest)).toBe(false);
  });

  it("keeps a manifest that somebody relies on with all that it refers to, and nothing else of its repository", async () => {
    const { driver, tree, app, gate } = await twoImages();
    const index = await app.index([await app.image("1", ["a"]), await app.image("2", ["b"])]);
    const other = await app.image("other", ["c"]);
    gate.pinned.add(`app@${index.digest}`);

    const report = await collect(driver, { deleteUntagged: true }, { gate, probe });

    expect(await app.missingFor(index.digest)).toEqual([]);
    expect(await tree.hasBlob(other.digest)).toBe(false);
    expect(report.deleted).toMatchObject({ manifests: 2, layerLinks: 4, blobs: 6 });
    expect([report.warnings, report.spared]).toEqual([[], 14]);
  });

  it("keeps the bytes of a blob that somebody relies on", async () => {
    const { driver, tree, gate } = await twoImages();
    const orphan = await tree.blob("orphan");
    const other = await tree.blob("other orphan");
    gate.pinned.add(orphan);

    await collect(driver, {}, { gate, probe });

    expect([await tree.hasBlob(orphan), await tree.hasBlob(other)]).toEqual([true, false]);
  });

  it("keeps what is pushed again between two slices", async () => {
    const { driver, tree, app, gate, dead } = await twoImages();
    gate.onConclude = async ({ keys }) => {
      if (!keys.includes(`app@${dead.digest}`) || gate.pinned.size > 0) return;
      const again = await app.image("dead", ["layer"], { tag: "again" });
      for (const path of await tree.files("/docker/registry/v2/repositories/app/_layers")) {
        const digest = `sha256:${/([0-9a-f]{64})\/link$/.exec(path)?.[1]}`;
        gate.pinned.add(digest).add(`app@${digest}`);
      }
      gate.pinned.add(again.digest).add(`app@${again.digest}`);
    };

    await collect(driver, { deleteUntagged: true }, { gate, probe });

    expect(await app.missingFor(dead.digest)).toEqual([]);
  });

  it("tries again where not everybody answers, and stops at last with what it has done", async () => {
    const { driver, tree, gate } = await twoImages();
    const orphan = await tree.blob("orphan");
    let refusals = 0;
    gate.onCondemn = (keys) => {
      if (!keys.includes(orphan)) return;
      refusals++;
      throw new RegistryStateError("worker 2 has not answered");
    };

    const report = await collect(driver, { deleteUntagged: true }, { gate, probe });

    expect(refusals).toBe(2);
    expect(report.stopped).toEqual({ kind: "server", phase: "blobs" });
    expect(report.warnings).toContain("stopped early: worker 2 has not answered");
    expect(report.deleted).toMatchObject({ manifests: 1, layerLinks: 2, blobs: 0 });
    expect(gate.slices.every(({ concluded }) => concluded)).toBe(true);
  });

  it("plans anew where a process that serves has died, and counts what both plans did", async () => {
    const { driver, tree, app, gate, dead } = await twoImages();
    let lost = false;
    gate.onCondemn = async (keys) => {
      if (lost || !keys.includes(dead.digest)) return;
      lost = true;
      // What the process that died has pushed, which nobody knows of.
      const layer = await app.layer("layer");
      await app.tag("back", (await app.image("dead", [layer])).digest);
      throw new RunLostError("worker 1 has died");
    };

    const report = await collect(driver, { deleteUntagged: true }, { gate, probe });

    expect([gate.begun, lost]).toEqual([2, true]);
    expect(await app.missingFor(dead.digest)).toEqual([]);
    expect(report.deleted).toMatchObject({ manifests: 1, layerLinks: 2, blobs: 0 });
    expect(report.eligible).toMatchObject({ manifests: 1, layerLinks: 2, blobs: 0 });
    expect(report.warnings).toContain("it was planned anew: worker 1 has died");
    expect(await tree.hasBlob(dead.digest)).toBe(true);
  });

  it("stops where processes die again and again", async () => {
    const { driver, gate, dead, app } = await twoImages();
    gate.onCondemn = () => {
      throw new RunLostError("worker 1 has died");
    };

    const report = await collect(driver, { deleteUntagged: true }, { gate, probe });

    expect(gate.begun).toBe(3);
    expect(report.stopped?.kind).toBe("server");
    expect(await app.hasRevision(dead.digest)).toBe(true);
  });

  it("does nothing where another server works on the store", async () => {
    const { driver, gate, app, dead } = await twoImages();
    const requireNoOtherServer = () => Promise.reject(new RegistryStateError("another server: host b"));

    const run = collect(driver, { deleteUntagged: true }, { gate, probe, requireNoOtherServer });

    await expect(run).rejects.toThrow("another server: host b");
    expect([gate.begun, await app.hasRevision(dead.digest)]).toEqual([0, true]);
  });

  it("withdraws a slice that it cannot write down", async () => {
    const { inner, tree, gate } = await remoteImages();
    const orphan = await tree.blob("orphan");
    const journal = new GarbageJournal({ folder: "/dev/null/none", version: "0" });

    const run = collect(inner.driver, {}, { gate, probe, journal });

    await expect(run).rejects.toThrow("the journal cannot be written");
    expect(gate.slices.map(({ concluded }) => concluded)).toEqual([true]);
    expect(await tree.hasBlob(orphan)).toBe(true);
  });

  it("needs a journal on an object store", async () => {
    const { inner, gate } = await remoteImages();

    const run = collect(inner.driver, {}, { gate, probe });

    await expect(run).rejects.toThrow("there is no state folder");
    expect(gate.begun).toBe(0);
  });

  it("leaves keys undecided whose removal the store may still carry out, be it done or not", async () => {
    const { inner, tree, gate } = await remoteImages();
    const [lost, failed, gone] = [await tree.blob("1"), await tree.blob("2"), await tree.blob("3")];
    const deleteMany = inner.inner.deleteMany.bind(inner.inner);
    inner.inner.deleteMany = async (paths, onUndecided?: (path: string) => void) => {
      for (const digest of [lost, failed]) onUndecided?.(blobDataPath(digest));
      const result = await deleteMany(paths.filter((path) => path !== blobDataPath(failed)));
      return [...result, { path: blobDataPath(failed), error: new StorageUnavailableError("no answer") }];
    };
    const journal = new GarbageJournal({ folder: await temporaryFolder(), version: "0" });
    const nowMs = Date.now();

    const report = await collect(inner.driver, {}, { gate, probe, journal, nowMs: () => nowMs });

    const undecided = gate.slices.map((slice) => slice.undecided);
    const keys = expect.arrayContaining([lost, failed]);
    expect(undecided).toEqual([{ keys, untilMs: nowMs + UNDECIDED_MS }]);
    expect(undecided[0]?.keys).toHaveLength(2);
    expect(await tree.hasBlob(gone)).toBe(false);
    expect(report.failed).toEqual([{ path: blobDataPath(failed), error: "no answer" }]);
  });

  it("does not take for a failure what a client has pushed again on an object store", async () => {
    const { inner, tree, gate } = await remoteImages();
    const app = tree.repository("app");
    const dead = await app.image("dead", ["layer"]);
    gate.onConclude = async ({ keys }) => {
      if (!keys.includes(`app@${dead.digest}`)) return;
      gate.onConclude = () => undefined;
      await app.image("dead", ["layer"], { tag: "again" });
      gate.onCondemn = (later) => {
        for (const key of later) if (key.startsWith("app@")) gate.pinned.add(key);
      };
    };
    const journal = new GarbageJournal({ folder: await temporaryFolder(), version: "0" });

    const report = await collect(inner.driver, { deleteUntagged: true }, { gate, probe, journal });

    expect(report.failed).toEqual([]);
    expect(report.deleted.manifests).toBe(1);
    expect(await app.missingFor(dead.digest)).toEqual([]);
  });

  it.each([
    ["is gone with all that listed it", "app/_manifests/tags/gone/index", 0, false],
    ["is listed still, as a link that leads nowhere is", "app/_manifests/tags/v1", 1, true],
  ])("takes blobs where a folder that was not found %s: %s", async (_, below, failures, isKept) => {
    const driver = new OddListing();
    const tree = new RegistryTree(driver);
    await tree.repository("app").image("kept", [], { tag: "v1" });
    const orphan = await tree.blob("orphan");
    const path = `${REPOSITORIES_ROOT}/${below}`;
    driver.failing = (root) =>
      root === REPOSITORIES_ROOT ? { path, error: new PathNotFoundError("memory", path) } : undefined;

    const report = await collect(driver, {}, { gate: new RecordingGate(), probe });

    expect([report.failed.length, await tree.hasBlob(orphan)]).toEqual([failures, isKept]);
  });

  it("cuts what goes into slices of a thousand keys at the most", async () => {
    const { driver, tree, gate } = await twoImages();
    for (let number = 0; number < 2500; number++) await tree.blob(`orphan ${number}`);

    await collect(driver, {}, { gate, probe });

    expect(gate.slices.map(({ keys }) => keys.length)).toEqual([1000, 1000, 500]);
  });
});

async function remoteImages() {
  const inner = new RemoteStore();
  const tree = new RegistryTree(inner.inner);
  await tree.repository("app").image("kept", [], { tag: "v1" });
  return { inner, tree, gate: new RecordingGate() };
}
