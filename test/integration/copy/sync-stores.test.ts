import { rm, symlink } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { StorageFullError } from "../../../src/errors.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import type { SyncOptions, SyncPosition } from "../../../src/registry/copy/sync-options.ts";
import type { SyncResult } from "../../../src/registry/copy/sync-result.ts";
import { syncStores } from "../../../src/registry/copy/sync-stores.ts";
import { blobDataPath } from "../../../src/registry/paths.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { writeLargeTree } from "../../support/large-tree.ts";
import { filesOf } from "../../support/registry-stores.ts";
import { faultsBySeed } from "../../support/s3-server/faults.ts";
import { Refusal } from "../../support/s3-server/reply.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { mountSmallDisk } from "../../support/small-disk.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { faultyServer, impatientDriver, newBucket } from "../s3/faulty-store.ts";

const SIZE = { repositories: 3, pushes: 5, orphans: 10 };
const MEBIBYTE = 1024 * 1024;

/** Two stores, and the server that they are on, if one is. */
interface World {
  source: StorageDriver;
  target: StorageDriver;
  s3: S3Server | undefined;
}

const WORLDS: [string, () => Promise<World>][] = [
  ["a disk to S3", async () => worldOf("disk", "s3")],
  ["S3 to a disk", async () => worldOf("s3", "disk")],
  ["S3 to S3", async () => worldOf("s3", "s3")],
  ["a disk to a disk", async () => worldOf("disk", "disk")],
];

describe.each(WORLDS)("syncStores from %s", (_, open) => {
  test("copies everything, even if one request in twenty fails, and nothing the second time", async () => {
    const { source, target, s3 } = await open();
    await fill(source);
    await target.put("/docker/registry/v2/repositories/old/_manifests/tags/t/current/link", Buffer.from("x"));
    if (s3) s3.options.faults = faultsBySeed(7, { probability: 0.05 });
    const result = await sync(source, target, { deleteExtra: true });
    expect(result).toMatchObject({ failedCount: 0, damagedCount: 0, deleted: { files: 1 } });
    if (s3) s3.options.faults = undefined;
    expect(await contentsOf(target)).toEqual(await contentsOf(source));
    const again = await sync(source, target, { deleteExtra: true });
    expect(again).toMatchObject({ copied: { files: 0 }, deleted: { files: 0 } });
    expect(again.target).toMatchObject({
      files: again.source.files,
      bytes: again.source.bytes,
      manifests: again.source.manifests,
      tags: again.source.tags,
    });
  });

  test("goes on where it was stopped", async () => {
    const { source, target } = await open();
    await fill(source);
    const spoolFolder = await temporaryFolder();
    let resumeAt: SyncPosition | undefined;
    let stops = 0;
    for (;;) {
      const abort = new AbortController();
      const onPosition = (position: SyncPosition): void => {
        resumeAt = position;
      };
      let left = 60;
      const stopping = stoppable(target, () => left-- === 0 && abort.abort());
      try {
        await sync(source, stopping, { spoolFolder, resumeAt, onPosition, signal: abort.signal });
        break;
      } catch (error) {
        if (!abort.signal.aborted) throw error;
        stops++;
      }
    }
    expect(stops).toBeGreaterThan(2);
    expect(await contentsOf(target)).toEqual(await contentsOf(source));
  });
});

describe("syncStores", () => {
  test("keeps large blobs apart from damaged ones on their way to S3", async () => {
    const { source, target, s3 } = await worldOf("disk", "s3");
    const [large, rotten] = [Buffer.alloc(9 * MEBIBYTE, "l"), Buffer.alloc(9 * MEBIBYTE, "r")];
    await source.put(blobDataPath(digestOf(large)), large);
    const rottenPath = blobDataPath(digestOf(rotten));
    rotten[5_000_000] = 0;
    await source.put(rottenPath, rotten);
    const result = await sync(source, target, {});
    expect(result.damaged.map(({ path }) => path)).toEqual([rottenPath]);
    expect(await filesOf(target)).toEqual([blobDataPath(digestOf(large))]);
    expect([...(s3?.uploads("bucket-t") ?? [])]).toEqual([]);
  });

  test("lets S3 copy large blobs by itself", async () => {
    const s3 = await faultyServer();
    const bucket = newBucket(s3);
    const source = impatientDriver(s3, bucket, { rootDirectory: "one" });
    const target = impatientDriver(s3, bucket, { rootDirectory: "other" });
    const large = Buffer.alloc(MEBIBYTE, "l");
    await source.put(blobDataPath(digestOf(large)), large);
    const result = await sync(source, target, {});
    expect(result).toMatchObject({ serverSide: { files: 1, bytes: MEBIBYTE }, copied: { files: 1 } });
    expect(s3.count("CopyObject")).toBe(1);
    expect(s3.count("GetObject")).toBe(0);
  });

  test("asks for less at a time when the store is too busy, and is done nevertheless", async () => {
    const { source, target, s3 } = await worldOf("disk", "s3");
    await fill(source);
    if (s3) s3.options.faults = faultsBySeed(3, { probability: 0.3, kinds: ["slow-down"] });
    expect((await sync(source, target, {})).failedCount).toBe(0);
    expect(await contentsOf(target)).toEqual(await contentsOf(source));
  });

  test("stops when the bucket's quota is reached, and goes on when there is more", async () => {
    const { source, target, s3 } = await worldOf("disk", "s3");
    await fill(source);
    let left = 50;
    const quota = new Refusal(403, "QuotaExceeded", "no more");
    if (s3)
      s3.options.policy = ({ operation }) => (operation === "PutObject" && left-- <= 0 ? quota : undefined);
    let resumeAt: SyncPosition | undefined;
    const spoolFolder = await temporaryFolder();
    const onPosition = (position: SyncPosition): void => {
      resumeAt = position;
    };
    await expect(sync(source, target, { spoolFolder, onPosition })).rejects.toThrow(StorageFullError);
    if (s3) s3.options.policy = undefined;
    await sync(source, target, { spoolFolder, resumeAt });
    expect(await contentsOf(target)).toEqual(await contentsOf(source));
  });

  test("stops when the disk is full, without a half file", async () => {
    const disk = mountSmallDisk("size=400k");
    if (!disk) return;
    onTestFinished(() => disk.unmount());
    const { source } = await worldOf("disk", "disk");
    await fill(source);
    const target = new FilesystemDriver({ rootDirectory: disk.path });
    await expect(sync(source, target, {})).rejects.toThrow(StorageFullError);
    const copied = await contentsOf(target);
    const wanted = await contentsOf(source);
    expect(Object.keys(copied).length).toBeGreaterThan(10);
    for (const [path, content] of Object.entries(copied)) expect(content, path).toBe(wanted[path]);
  });

  test("stops with the store's answer when the key is refused halfway", async () => {
    const { source, target, s3 } = await worldOf("disk", "s3");
    for (let number = 0; number < 400; number++) {
      const bytes = Buffer.from(`blob ${number}`);
      await source.put(blobDataPath(digestOf(bytes)), bytes);
    }
    let left = 50;
    const denied = new Refusal(403, "AccessDenied", "not you");
    if (s3)
      s3.options.policy = ({ operation }) => (operation === "PutObject" && left-- <= 0 ? denied : undefined);
    await expect(sync(source, target, {})).rejects.toThrow(/denied|refuse/i);
  });

  test("removes nothing when a folder of the source's disk cannot be listed", async () => {
    const { source, target } = await worldOf("disk", "s3");
    await fill(source);
    await sync(source, target, {});
    const before = await filesOf(target);
    await rm(`${source.location}/docker/registry/v2/repositories`, { recursive: true });
    const broken = `${source.location}/docker/registry/v2/repositories`;
    // Where a disk was mounted that is not any more.
    await symlink("/nowhere/at/all", broken);
    const result = await sync(source, target, { deleteExtra: true });
    expect(result.deletesHeldBack).toBe("a folder of the source could not be listed");
    expect(await filesOf(target)).toEqual(before);
  });
});

async function worldOf(from: "disk" | "s3", to: "disk" | "s3"): Promise<World> {
  const s3 = from === "s3" || to === "s3" ? await faultyServer() : undefined;
  const open = async (kind: "disk" | "s3"): Promise<StorageDriver> =>
    s3 && kind === "s3"
      ? impatientDriver(s3, newBucket(s3))
      : new FilesystemDriver({ rootDirectory: await temporaryFolder() });
  return { source: await open(from), target: await open(to), s3 };
}

async function fill(driver: StorageDriver): Promise<void> {
  const rootDirectory = await temporaryFolder();
  writeLargeTree(rootDirectory, new SeededRandom(5), SIZE);
  const disk = new FilesystemDriver({ rootDirectory });
  for await (const { path } of disk.walk("/docker")) await driver.put(path, await disk.get(path));
  const large = Buffer.alloc(2 * MEBIBYTE, "large");
  await driver.put(blobDataPath(digestOf(large)), large);
}

/** Calls `before` before each write of a small file. */
function stoppable(driver: StorageDriver, before: () => void): StorageDriver {
  return new Proxy(driver, {
    get(inner, name) {
      const value: unknown = Reflect.get(inner, name, inner);
      if (typeof value !== "function") return value;
      if (name === "put") before();
      return value.bind(inner);
    },
  });
}

async function contentsOf(driver: StorageDriver): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for (const path of await filesOf(driver)) {
    if (!path.includes("/_uploads/")) contents[path] = digestOf(await driver.get(path));
  }
  return contents;
}

async function sync(
  source: StorageDriver,
  target: StorageDriver,
  options: Partial<SyncOptions>,
): Promise<SyncResult> {
  return syncStores(source, target, {
    ...{ asOfMs: undefined, deleteExtra: false, skipDamaged: false, concurrency: undefined },
    ...{ maxBytesPerSecond: undefined, resumeAt: undefined, dryRun: false },
    ...{ spoolFolder: await temporaryFolder(), signal: new AbortController().signal },
    ...options,
  });
}
