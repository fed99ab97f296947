import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../../src/errors.ts";
import { digestOf } from "../../../../src/oci/digest.ts";
import { snapshotPath } from "../../../../src/operations/backup/backup-layout.ts";
import { listSnapshotIds } from "../../../../src/operations/backup/choose-snapshot.ts";
import { blobDataPath, tagCurrentLinkPath } from "../../../../src/registry/paths.ts";
import { statSmallFile } from "../../../../src/registry/small-file.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { filesOf } from "../../../support/registry-stores.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { BackupStores, missingIn, tagsIn } from "./backup-stores.ts";

async function prepared(): Promise<BackupStores> {
  const stores = new BackupStores();
  await stores.tree.repository("team/app").image("one", ["base", "1"], { tag: "v1" });
  await stores.tree.repository("team/app/deep").image("two", ["base", "2"], { tag: "v1" });
  await stores.tree.repository("team/application").image("three", ["base", "3"], { tag: "v1" });
  await stores.create();
  return stores;
}

describe("restoreBackup", () => {
  it("restores a repository and those below it, and no other", async () => {
    const stores = await prepared();
    const target = new MemoryDriver();
    const report = await stores.restore(target, { repositories: ["team/app"] });
    expect([...(await tagsIn(target)).keys()]).toEqual(["team/app:v1", "team/app/deep:v1"]);
    expect(report).toMatchObject({ repositories: 2, tags: { new: 2 } });
    await expect(stores.restore(target, { repositories: ["team/none"] })).rejects.toThrow(UsageError);
  });

  it("tells in a dry run exactly what a run does then", async () => {
    const stores = await prepared();
    const target = new MemoryDriver();
    const other = await new RegistryTree(target)
      .repository("team/app")
      .image("other", ["base"], { tag: "v1" });
    const before = await filesOf(target);
    const planned = await stores.restore(target, { dryRun: true });
    expect(await filesOf(target)).toEqual(before);
    const done = await stores.restore(target);
    expect({ ...planned, dryRun: false, seconds: 0 }).toEqual({ ...done, seconds: 0 });
    expect(done.overwritten).toMatchObject([{ repository: "team/app", tag: "v1", before: other.digest }]);
    expect(await tagsIn(target)).toEqual(await tagsIn(stores.source));
    const again = await stores.restore(target);
    expect(again).toMatchObject({ tags: { new: 0, same: 3 }, copied: { files: 0 }, links: 0 });
  });

  it("asks before tags point elsewhere, or leaves them alone", async () => {
    const stores = await prepared();
    const target = new MemoryDriver();
    const other = await new RegistryTree(target)
      .repository("team/app")
      .image("other", ["base"], { tag: "v1" });
    const refuse = (): Promise<never> => Promise.reject(new Error("no"));
    await expect(stores.restore(target, {}, { confirmOverwrite: refuse })).rejects.toThrow("no");
    expect((await tagsIn(target)).size).toBe(1);
    const report = await stores.restore(target, { keepExisting: true }, { confirmOverwrite: refuse });
    expect(report).toMatchObject({ tags: { new: 2, kept: 1, overwritten: 0 } });
    expect((await tagsIn(target)).get("team/app:v1")).toBe(other.digest);
    expect(await missingIn(target)).toEqual([]);
  });

  it("mends blobs of the target that have another size or other bytes than their name says", async () => {
    const stores = await prepared();
    const target = new MemoryDriver();
    await stores.restore(target);
    const manifest = [...(await tagsIn(target)).values()][0] ?? "";
    await target.put(blobDataPath(digestOf(Buffer.from("base"))), Buffer.from("short of it"));
    const sound = await target.get(blobDataPath(manifest as Parameters<typeof blobDataPath>[0]));
    const damaged = Buffer.from(sound).fill("x", 0, 1);
    await target.put(blobDataPath(manifest as Parameters<typeof blobDataPath>[0]), damaged);
    expect((await stores.restore(target)).copied.files).toBe(2);
    expect(await missingIn(target)).toEqual([]);
    expect(Buffer.from(await target.get(blobDataPath(digestOf(Buffer.from("base"))))).toString()).toBe(
      "base",
    );
  });

  it("restores nothing that needs a blob which is damaged in the backup", async () => {
    const stores = await prepared();
    const one = digestOf(Buffer.from("1"));
    await stores.backup.put(blobDataPath(one), Buffer.from("x"));
    const target = new MemoryDriver();
    const report = await stores.restore(target);
    expect(report.damaged).toMatchObject([{ digest: one }]);
    expect(report.lacking).toMatchObject([{ repository: "team/app", tags: ["v1"], lacks: one }]);
    expect((await tagsIn(target)).size).toBe(2);
    expect(await missingIn(target)).toEqual([]);
  });

  it("writes blobs before links, and links before tags", async () => {
    const stores = await prepared();
    const target = new MemoryDriver();
    const put = target.put.bind(target);
    target.put = async (path, content) => {
      await put(path, content);
      expect(await missingIn(target)).toEqual([]);
    };
    await stores.restore(target);
    expect((await tagsIn(target)).size).toBe(3);
  });

  it("restores nothing among backups", async () => {
    const stores = await prepared();
    const others = new BackupStores();
    await others.tree.repository("app").image("one", ["base"], { tag: "v1" });
    await others.create();
    const before = await filesOf(others.backup);
    for (const dryRun of [true, false]) {
      await expect(stores.restore(others.backup, { dryRun })).rejects.toThrow("holds backups of the source");
    }
    expect(await filesOf(others.backup)).toEqual(before);
  });

  it("writes no link when the registry takes writes again after the blobs of a repository were copied", async () => {
    const stores = await prepared();
    const target = new MemoryDriver();
    let nowMs = Date.now();
    const spend = async (): Promise<void> => {
      nowMs += 3_600_000;
    };
    let asked = 0;
    const checkHeld = async (): Promise<void> => {
      if (++asked > 1) throw new Error("it takes writes");
    };
    const restoring = stores.restore(target, { spend }, { checkHeld, nowMs: () => nowMs });
    await expect(restoring).rejects.toThrow("it takes writes");
    expect(await new RegistryTree(target).files("/docker/registry/v2/repositories")).toEqual([]);
  });

  it("goes on after it was ended, and leaves only what is complete", async () => {
    const stores = await prepared();
    const target = new MemoryDriver();
    const put = target.put.bind(target);
    const controller = new AbortController();
    let puts = 0;
    target.put = async (path, content) => {
      await put(path, content);
      if (++puts === 12) controller.abort();
    };
    await expect(stores.restore(target, {}, { signal: controller.signal })).rejects.toThrow("goes on");
    expect(await missingIn(target)).toEqual([]);
    await stores.restore(target);
    expect(await tagsIn(target)).toEqual(await tagsIn(stores.source));
  });

  it("gives links the time that they had", async () => {
    const stores = await prepared();
    const path = tagCurrentLinkPath("team/app", "v1");
    const before = await statSmallFile(stores.source, path);
    const target = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await stores.restore(target);
    const after = await statSmallFile(target, path);
    expect(Math.floor(after?.modifiedMs ?? 0)).toBe(Math.round(before?.modifiedMs ?? 0));
  });

  it.each<[string, (text: string) => string]>([
    [
      "a repository that leads out of the store",
      (text) => text.replace('"team/app"', '"../../../../etc/app"'),
    ],
    ["a tag that does", (text) => text.replace('"v1"', '"../../../v1"')],
    ["a digest that does", (text) => text.replace(/"sha256:[0-9a-f]{64}"/, '"sha256:../../../../x"')],
    ["other content", (text) => text.replace('"v1"', '"v2"')],
    ["no end", (text) => text.slice(0, text.indexOf('{"type":"end"'))],
    ["half a line", (text) => text.slice(0, -20)],
    ["a line behind its end", (text) => `${text}{"type":"end"}\n`],
    ["no beginning", (text) => text.slice(text.indexOf("\n") + 1)],
  ])("refuses a snapshot with %s, and writes nothing", async (_what, change) => {
    const stores = await prepared();
    const [id] = await listSnapshotIds(stores.backup);
    if (id === undefined) throw new Error("there is no snapshot");
    const text = gunzipSync(await stores.backup.get(snapshotPath(id))).toString();
    expect(change(text)).not.toBe(text);
    await stores.backup.put(snapshotPath(id), gzipSync(change(text)));
    const target = new MemoryDriver();
    await expect(stores.restore(target)).rejects.toMatchObject({ code: "ERR_INVALID_SNAPSHOT" });
    expect(await filesOf(target)).toEqual([]);
  });

  it("refuses a snapshot whose file is cut off, or no gzip", async () => {
    const stores = await prepared();
    const [id] = await listSnapshotIds(stores.backup);
    if (id === undefined) throw new Error("there is no snapshot");
    const bytes = await stores.backup.get(snapshotPath(id));
    for (const damaged of [bytes.subarray(0, bytes.length / 2), Buffer.from("text"), new Uint8Array()]) {
      await stores.backup.put(snapshotPath(id), damaged);
      await expect(stores.restore(new MemoryDriver())).rejects.toMatchObject({
        code: "ERR_INVALID_SNAPSHOT",
      });
    }
  });
});
