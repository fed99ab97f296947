import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/oci/digest.ts";
import { snapshotPath } from "../../../../src/operations/backup/backup-layout.ts";
import { chooseSnapshot, listSnapshotIds } from "../../../../src/operations/backup/choose-snapshot.ts";
import { type PruneOptions, pruneBackups } from "../../../../src/operations/backup/prune-backups.ts";
import { verifyBackups } from "../../../../src/operations/backup/verify-backups.ts";
import { blobDataPath } from "../../../../src/registry/paths.ts";
import { acquireStoreLock } from "../../../../src/state/store-lock.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { filesOf } from "../../../support/registry-stores.ts";
import { BackupStores, HOLDER, missingIn, tagsIn } from "./backup-stores.ts";

const signal = new AbortController().signal;

function prune(
  stores: BackupStores,
  options: Partial<PruneOptions>,
  confirm = async (): Promise<void> => undefined,
) {
  return pruneBackups(
    {
      ...{ backup: stores.backup, holder: HOLDER, nowMs: Date.now, signal },
      ...{ onProgress: () => undefined, confirm },
    },
    { keepLast: undefined, keepWithinMs: undefined, graceMs: -1000, dryRun: false, ...options },
  );
}

function verify(stores: BackupStores, checksumPercent?: number) {
  return verifyBackups(
    {
      ...{ backup: stores.backup, nowMs: Date.now, random: () => 0.5, signal },
      onProgress: () => undefined,
    },
    { snapshots: [], checksumPercent, concurrency: 4 },
  );
}

/** Three snapshots, the first of which alone has "1". */
async function prepared(): Promise<BackupStores> {
  const stores = new BackupStores();
  const app = stores.tree.repository("app");
  const first = await app.image("one", ["base", "1"], { tag: "v1" });
  await stores.create();
  await app.untag("v1");
  const { revisionLinkPath } = await import("../../../../src/registry/paths.ts");
  await stores.source.delete(revisionLinkPath("app", first.digest));
  await app.image("two", ["base", "2"], { tag: "v2" });
  await stores.create();
  await app.image("three", ["base", "3"], { tag: "v3" });
  await stores.create();
  return stores;
}

describe("pruneBackups", () => {
  it("removes old snapshots, and only what no other needs", async () => {
    const stores = await prepared();
    const before = await filesOf(stores.backup);
    const planned = await prune(stores, { keepLast: 2, dryRun: true });
    expect(await filesOf(stores.backup)).toEqual(before);
    const report = await prune(stores, { keepLast: 2 });
    expect({ ...report, dryRun: true, seconds: 0 }).toEqual({ ...planned, seconds: 0 });
    expect(report.removed).toHaveLength(1);
    expect(report.blobs.files).toBe(3);
    expect(await verify(stores, 100)).toMatchObject({ faultCount: 0, snapshots: [{}, {}] });
    const target = new MemoryDriver();
    await stores.restore(target);
    expect(await tagsIn(target)).toEqual(await tagsIn(stores.source));
    expect(await missingIn(target)).toEqual([]);
  });

  it("keeps what is young enough, and the newest snapshot always", async () => {
    const stores = await prepared();
    expect((await prune(stores, { keepWithinMs: 100 * 365 * 24 * 3_600_000 })).removed).toEqual([]);
    const longAgo = new BackupStores(stores.source, stores.backup);
    longAgo.nowMs = Date.UTC(2001, 1, 1);
    await longAgo.create();
    expect((await prune(stores, { keepLast: 3 })).removed).toEqual([expect.stringMatching(/^2001/)]);
    expect((await prune(stores, { keepLast: 1 })).kept).toHaveLength(1);
  });

  it("keeps the newest snapshot that has layers, whatever snapshots of metadata alone came later", async () => {
    const stores = await prepared();
    const full = (await listSnapshotIds(stores.backup)).at(-1);
    for (let taken = 0; taken < 3; taken++) await stores.create({ metadataOnly: true });
    const report = await prune(stores, { keepLast: 2 });
    expect(report.kept).toHaveLength(3);
    expect(report.kept[0]).toBe(full);
    const target = new MemoryDriver();
    await stores.restore(target);
    expect(await missingIn(target)).toEqual([]);
    if (full) await stores.backup.delete(snapshotPath(full));
    expect((await prune(stores, { keepLast: 1 })).kept).toHaveLength(1);
  });

  it("removes nothing beside a snapshot that somebody has given another name", async () => {
    const stores = await prepared();
    const [oldest] = await listSnapshotIds(stores.backup);
    const path = oldest ? snapshotPath(oldest) : "";
    await stores.backup.move(path, path.replace("/snapshots/", "/snapshots/keep-"));
    const before = await filesOf(stores.backup);
    await expect(prune(stores, { keepLast: 1 })).rejects.toThrow(
      /snapshots\/keep-.* is no snapshot by its name/,
    );
    expect(await filesOf(stores.backup)).toEqual(before);
  });

  it("keeps young blobs, for a run that was ended to go on with", async () => {
    const stores = await prepared();
    expect((await prune(stores, { keepLast: 1, graceMs: 3_600_000 })).blobs.files).toBe(0);
  });

  it("removes nothing while one that stays is damaged, while a backup is taken, and before it was agreed to", async () => {
    const stores = await prepared();
    const before = await filesOf(stores.backup);
    const refuse = (): Promise<never> => Promise.reject(new Error("not agreed"));
    await expect(prune(stores, { keepLast: 1 }, refuse)).rejects.toThrow("not agreed");
    const lock = await acquireStoreLock(stores.backup, { ...HOLDER, pid: 2 }, Date.now);
    await expect(prune(stores, { keepLast: 1 })).rejects.toThrow("has been working on this store");
    await lock.release();
    const newest = chooseSnapshot(await listSnapshotIds(stores.backup), { name: undefined, atMs: undefined });
    const sound = await stores.backup.get(snapshotPath(newest));
    await stores.backup.put(snapshotPath(newest), sound.subarray(0, 100));
    await expect(prune(stores, { keepLast: 1 })).rejects.toMatchObject({ code: "ERR_INVALID_SNAPSHOT" });
    expect(await filesOf(stores.backup)).toEqual(before);
  });

  it("never touches a store that a registry uses", async () => {
    const stores = await prepared();
    await new BackupStores(stores.backup).tree.repository("live").image("live", ["l"], { tag: "v1" });
    const before = await filesOf(stores.backup);
    await expect(prune(stores, { keepLast: 1 })).rejects.toThrow("holds a registry beside the backups");
    expect(await filesOf(stores.backup)).toEqual(before);
    await expect(prune(new BackupStores(), { keepLast: 1 })).rejects.toThrow("holds no backups");
  });
});

describe("verifyBackups", () => {
  it("finds what is missing, of another size, damaged, and snapshots that cannot be used", async () => {
    const stores = await prepared();
    expect(await verify(stores)).toMatchObject({ faultCount: 0, hashed: { files: 0 } });
    const [oldest] = await listSnapshotIds(stores.backup);
    if (oldest === undefined) throw new Error("there is no snapshot");
    await stores.backup.delete(blobDataPath(digestOf(Buffer.from("1"))));
    await stores.backup.put(blobDataPath(digestOf(Buffer.from("2"))), Buffer.from("longer"));
    await stores.backup.put(blobDataPath(digestOf(Buffer.from("3"))), Buffer.from("x"));
    const plain = await verify(stores);
    expect(plain.faults.map(({ kind }) => kind)).toEqual(["missing", "size"]);
    expect(plain.snapshots.map(({ isSound }) => isSound)).toEqual([false, false, false]);
    expect((await verify(stores, 100)).faults.map(({ kind }) => kind)).toEqual([
      "missing",
      "size",
      "damaged",
    ]);
    expect((await verify(stores, 40)).hashed.files).toBe(0);
    await stores.backup.put(snapshotPath(oldest), Buffer.from("x"));
    expect((await verify(stores)).faults.map(({ kind }) => kind)).toEqual(["snapshot", "size"]);
  });
});

describe("chooseSnapshot", () => {
  it("finds one by name, beginning, end or time", async () => {
    const stores = await prepared();
    const ids = await listSnapshotIds(stores.backup);
    const [first, second, third] = ids;
    const choose = (name?: string, atMs?: number) => chooseSnapshot(ids, { name, atMs });
    expect(choose()).toBe(third);
    expect(choose(second)).toBe(second);
    expect(choose(first?.slice(0, 16))).toBe(first);
    expect(choose(first?.slice(17))).toBe(first);
    expect(choose(undefined, Date.UTC(2026, 10, 21, 12, 0, 2))).toBe(second);
    expect(() => choose("2026")).toThrow("may be 3 snapshots");
    expect(() => choose("x")).toThrow('there is no snapshot "x"');
    expect(() => choose(undefined, 0)).toThrow("of 1970-01-01T00:00:00.000Z or before");
  });
});
