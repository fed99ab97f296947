import { describe, expect, test } from "vitest";
import { CancelledError, StorageFullError, StorageUnavailableError } from "../../../../src/errors.ts";
import { type Digest, digestOf } from "../../../../src/oci/digest.ts";
import type { SyncOptions } from "../../../../src/registry/copy/sync-options.ts";
import type { SyncResult } from "../../../../src/registry/copy/sync-result.ts";
import { syncStores } from "../../../../src/registry/copy/sync-stores.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
} from "../../../../src/registry/paths.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { withoutAbilities } from "../../../support/registry-stores.ts";
import { copiedFilesOf } from "../../../support/sync-trees.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { danglingIn } from "../../../support/watched-target.ts";

const LONG_AGO_MS = Date.UTC(2026, 0, 1);
const AS_OF_MS = Date.UTC(2026, 5, 1);
const LATER_MS = Date.UTC(2026, 5, 2);

describe("syncStores while clients push", () => {
  test("leaves what is younger than the run, and takes it in the next one", async () => {
    const { source, target } = stores();
    await image(source, "a", "old", LONG_AGO_MS, "v1");
    await image(source, "a", "new", LATER_MS, "v2");
    const result = await sync(source, target, { asOfMs: AS_OF_MS });
    expect(result).toMatchObject({ failedCount: 0, left: { files: 4 }, copied: { files: 4 } });
    expect(await danglingIn(target)).toEqual([]);
    expect(await has(target, tagCurrentLinkPath("a", "v2"))).toBe(false);
    await sync(source, target, {});
    expect(await copiedFilesOf(target)).toEqual(await copiedFilesOf(source));
  });

  test("leaves an old tag whose manifest was pushed again meanwhile and is not there yet", async () => {
    const { source, target } = stores();
    const digest = await image(source, "a", "old", LONG_AGO_MS, "v1");
    await source.setModified(revisionLinkPath("a", digest), LATER_MS);
    const result = await sync(source, target, { asOfMs: AS_OF_MS });
    expect(result.left.files).toBe(2);
    expect(await has(target, tagCurrentLinkPath("a", "v1"))).toBe(false);
  });

  test("leaves a tag that was moved after it was listed", async () => {
    const { source, target } = stores();
    await image(source, "a", "old", LONG_AGO_MS, "v1");
    const get = source.getSync.bind(source);
    source.getSync = (path, maxBytes) => {
      if (path === tagCurrentLinkPath("a", "v1")) {
        void source.put(path, Buffer.from(digestOf(Buffer.from("newer"))));
        void source.setModified(path, LATER_MS);
      }
      return get(path, maxBytes);
    };
    const result = await sync(source, target, { asOfMs: AS_OF_MS });
    expect(result).toMatchObject({ left: { files: 1 }, copied: { files: 3 } });
  });

  test("copies a layer link that was written again, as old manifests need it", async () => {
    const { source, target } = stores();
    const digest = await image(source, "a", "old", LONG_AGO_MS, "v1");
    await source.setModified(layerLinkPath("a", digest), LATER_MS);
    const result = await sync(source, target, { asOfMs: AS_OF_MS });
    expect(result).toMatchObject({ left: { files: 0 }, copied: { files: 4 } });
  });

  test("removes nothing while a tag of the target still has an older content", async () => {
    const { source, target } = stores();
    const old = await image(target, "a", "old", LONG_AGO_MS, "v1");
    await image(source, "a", "new", LATER_MS, "v1");
    const result = await sync(source, target, { asOfMs: AS_OF_MS, deleteExtra: true });
    expect(result.deletesHeldBack).toBe(
      "1 tag at the target may still need them, as the source's were changed meanwhile",
    );
    expect(await has(target, blobDataPath(old))).toBe(true);
    await sync(source, target, { deleteExtra: true });
    expect(await copiedFilesOf(target)).toEqual(await copiedFilesOf(source));
  });

  test("does not remove what was pushed again after it was listed", async () => {
    const { source, target } = stores();
    const old = await image(target, "a", "old", LONG_AGO_MS, "v1");
    await image(source, "a", "kept", LONG_AGO_MS, "v2");
    const result = await sync(source, target, {
      ...{ asOfMs: AS_OF_MS, deleteExtra: true },
      maxDeletes: async (planned) => {
        expect(planned).toEqual({ files: 4, manifests: 1, bytes: 3 * 71 + 3 });
        await source.put(blobDataPath(old), Buffer.from("old"));
      },
    });
    expect(result.deleted.files).toBe(3);
    expect(await has(target, blobDataPath(old))).toBe(true);
    expect(await has(target, tagCurrentLinkPath("a", "v1"))).toBe(false);
  });

  test("skips and counts what vanishes meanwhile", async () => {
    const { source, target } = stores();
    const gone = await image(source, "a", "gone", LONG_AGO_MS, "v1");
    await image(source, "b", "kept", LONG_AGO_MS, "v1");
    const get = source.getSync.bind(source);
    source.getSync = (path, maxBytes) => {
      if (path === blobDataPath(gone)) {
        for (const each of [blobDataPath(gone), tagCurrentLinkPath("a", "v1"), revisionLinkPath("a", gone)])
          void source.delete(each);
      }
      return get(path, maxBytes);
    };
    const result = await sync(source, target, { asOfMs: AS_OF_MS });
    expect(result).toMatchObject({ vanished: 1, failedCount: 0, damagedCount: 0 });
    expect(await danglingIn(target)).toEqual([]);
    expect(await has(target, tagCurrentLinkPath("b", "v1"))).toBe(true);
  });
});

describe("syncStores when something is wrong", () => {
  test("names a damaged blob, copies neither it nor links to it, and removes nothing", async () => {
    const { source, target } = stores();
    const damaged = await image(source, "a", "fine", LONG_AGO_MS, "v1");
    await image(source, "b", "whole", LONG_AGO_MS, "v1");
    await source.put(blobDataPath(damaged), Buffer.from("rots"));
    await target.put(blobDataPath(digestOf(Buffer.from("x"))), Buffer.from("x"));
    const result = await sync(source, target, { deleteExtra: true });
    const why = `its 4 bytes have the digest ${digestOf(Buffer.from("rots"))}`;
    expect(result.damaged).toEqual([{ path: blobDataPath(damaged), digest: damaged, why }]);
    expect(result).toMatchObject({ damagedCount: 1, withheld: { files: 3 }, deleted: { files: 0 } });
    expect(result.deletesHeldBack).toBe("1 blob of the source is damaged");
    expect(await danglingIn(target)).toEqual([]);
    expect(await has(target, tagCurrentLinkPath("b", "v1"))).toBe(true);
    const skipping = await sync(source, target, { deleteExtra: true, skipDamaged: true });
    expect(skipping).toMatchObject({ damagedCount: 1, deleted: { files: 1 }, withheld: { files: 0 } });
    expect(await has(target, tagCurrentLinkPath("a", "v1"))).toBe(true);
    expect(await has(target, blobDataPath(damaged))).toBe(false);
  });

  test("checks SHA-512 and large blobs too", async () => {
    const { source, target } = stores();
    const large = Buffer.alloc(3 * 1024 * 1024, "x");
    await source.put(blobDataPath(digestOf(large)), large);
    const rotten = blobDataPath(digestOf(Buffer.from("b"), "sha512"));
    await source.put(rotten, Buffer.alloc(2 * 1024 * 1024, "y"));
    const result = await sync(source, target, {});
    expect(result.damaged.map(({ path }) => path)).toEqual([rotten]);
    expect(Object.keys(await copiedFilesOf(target))).toEqual([blobDataPath(digestOf(large))]);
  });

  test("copies a blob whose first reading was disturbed", async () => {
    const { source, target } = stores();
    const digest = await image(source, "a", "fine", LONG_AGO_MS, "v1");
    let isFirst = true;
    const get = source.getSync.bind(source);
    source.getSync = (path, maxBytes) => {
      const bytes = get(path, maxBytes);
      if (path !== blobDataPath(digest) || !isFirst) return bytes;
      isFirst = false;
      return Buffer.from("fime");
    };
    expect(await sync(source, target, {})).toMatchObject({ damagedCount: 0, copied: { files: 4 } });
  });

  test("goes on when a file cannot be copied, but copies no tag that may need it and removes nothing", async () => {
    const { source, target } = stores();
    const digest = await image(source, "a", "one", LONG_AGO_MS, "v1");
    await image(source, "b", "two", LONG_AGO_MS, "v1");
    await target.put(blobDataPath(digestOf(Buffer.from("x"))), Buffer.from("x"));
    const denied = layerLinkPath("a", digest);
    const positions: string[] = [];
    const result = await sync(source, failingTarget(target, denied), {
      deleteExtra: true,
      onPosition: ({ pass, after }) => positions.push(`${pass} ${after}`),
    });
    expect(result.failed).toEqual([{ path: denied, error: "memory: permission denied" }]);
    expect(result).toMatchObject({ withheld: { files: 1 }, deleted: { files: 0 }, copied: { files: 6 } });
    expect(result.deletesHeldBack).toBe("1 file could not be copied");
    expect(positions.at(-1)).toBe("repositories ");
    expect(await has(target, tagCurrentLinkPath("b", "v1"))).toBe(true);
  });

  test("names a file that cannot be looked at, and goes on", async () => {
    const { source, target } = stores();
    const digest = await image(source, "a", "one", LONG_AGO_MS, "v1");
    await image(source, "b", "two", LONG_AGO_MS, "v1");
    const stat = source.statFileSync.bind(source);
    source.scan = (path) => namesOnly(source, path);
    source.statFileSync = (path) => {
      if (path === revisionLinkPath("a", digest)) throw new StorageUnavailableError("memory: EIO");
      return stat(path);
    };
    const result = await sync(source, target, { deleteExtra: true });
    expect(result.failed).toEqual([{ path: revisionLinkPath("a", digest), error: "memory: EIO" }]);
    expect(result).toMatchObject({ withheld: { files: 1 }, copied: { files: 6 } });
  });

  test("stops when the target is full", async () => {
    const { source, target } = stores();
    await image(source, "a", "one", LONG_AGO_MS, "v1");
    const full = failingTarget(target, "/docker", new StorageFullError("memory: no space left"));
    await expect(sync(source, full, {})).rejects.toThrow(StorageFullError);
  });

  test("stops when nothing can be copied any more", async () => {
    const { source, target } = stores();
    for (let number = 0; number < 400; number++)
      await image(source, "a", `${number}`, LONG_AGO_MS, `v${number}`);
    await expect(sync(source, failingTarget(target, "/docker"), {})).rejects.toThrow("permission denied");
  });

  test("removes nothing when a folder of the source cannot be listed, and names what may be in it nowhere", async () => {
    const { source, target } = stores();
    const digest = await image(source, "a", "one", LONG_AGO_MS, "v1");
    await image(source, "b", "two", LONG_AGO_MS, "v1");
    await target.put(blobDataPath(digestOf(Buffer.from("x"))), Buffer.from("x"));
    const broken = withoutAbilities(source);
    const { list } = broken;
    const unlisted = `/docker/registry/v2/blobs/sha256/${blobDataPath(digest).split("/")[6]}`;
    broken.list = (path) =>
      path === unlisted ? Promise.reject(new StorageUnavailableError("EIO")) : list(path);
    const result = await sync(broken, target, { deleteExtra: true });
    expect(result.failed).toEqual([{ path: unlisted, error: "EIO" }]);
    expect(result.deletesHeldBack).toBe("a folder of the source could not be listed");
    expect(result.deleted.files).toBe(0);
    expect(await danglingIn(target)).toEqual([]);
    expect(await has(target, tagCurrentLinkPath("b", "v1"))).toBe(true);
  });

  test("stops when the target cannot be listed", async () => {
    const { source, target } = stores();
    await image(source, "a", "one", LONG_AGO_MS, "v1");
    await image(target, "a", "one", LONG_AGO_MS, "v1");
    const broken = withoutAbilities(target);
    const { list } = broken;
    broken.list = (path) =>
      path.endsWith("sha256") ? Promise.reject(new StorageUnavailableError("EIO")) : list(path);
    await expect(sync(source, broken, {})).rejects.toThrow("cannot tell what the target has at");
  });

  test("a brake that throws stops before the first removal", async () => {
    const { source, target } = stores();
    await image(target, "a", "one", LONG_AGO_MS, "v1");
    const maxDeletes = () => Promise.reject(new CancelledError("too many"));
    await expect(sync(source, target, { deleteExtra: true, maxDeletes })).rejects.toThrow("too many");
    expect(Object.keys(await copiedFilesOf(target))).toHaveLength(4);
  });

  test("has told of all that it has seen when it asks about removals, and when it tells its position", async () => {
    const { source, target } = stores();
    for (let number = 0; number < 2; number++)
      await image(source, `a${number}`, `${number}`, LONG_AGO_MS, "v1");
    await image(target, "b", "extra", LONG_AGO_MS, "v1");
    const files = Object.keys(await copiedFilesOf(source)).length;
    let seen = 0;
    const atPositions: number[] = [];
    let atRemovals: number | undefined;
    await sync(source, target, {
      deleteExtra: true,
      onProgress: (progress) => {
        seen = progress.seen.files;
      },
      onPosition: () => atPositions.push(seen),
      maxDeletes: async () => {
        atRemovals = seen;
      },
    });
    expect(atRemovals).toBe(files);
    expect(atPositions.at(-1)).toBe(files);
  });

  test("waits for its turn below a rate of bytes, and not when it is cancelled", async () => {
    const { source, target } = stores();
    for (let number = 0; number < 40; number++)
      await image(source, "a", `${number}`, LONG_AGO_MS, `v${number}`);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const abort = new AbortController();
    const onProgress = (): void => abort.abort();
    const running = sync(source, target, { maxBytesPerSecond: 10, signal: abort.signal, onProgress });
    await expect(running).rejects.toThrow(CancelledError);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
    expect(Object.keys(await copiedFilesOf(target)).length).toBeLessThan(20);
  });

  test("keeps times where the target can, and tells of them elsewhere", async () => {
    const { source, target } = stores();
    const digest = await image(source, "a", "one", LONG_AGO_MS, "v1");
    await sync(source, target, {});
    expect((await target.stat(blobDataPath(digest))).modifiedMs).toBe(LONG_AGO_MS);
    const noted: [string, number][] = [];
    const times = { note: (path: string, modifiedMs: number) => noted.push([path, modifiedMs]) };
    await sync(source, withoutAbilities(new MemoryDriver()), { times });
    expect(noted).toHaveLength(4);
    expect(noted[0]).toEqual([blobDataPath(digest), LONG_AGO_MS]);
  });
});

function stores(): { source: MemoryDriver; target: MemoryDriver } {
  return { source: new MemoryDriver(), target: new MemoryDriver() };
}

/** Writes what a push leaves, with a manifest that is no more than some text. */
async function image(
  driver: MemoryDriver,
  repository: string,
  content: string,
  modifiedMs: number,
  tag: string,
): Promise<Digest> {
  const bytes = Buffer.from(content);
  const digest = digestOf(bytes);
  const files: [string, Uint8Array][] = [
    [blobDataPath(digest), bytes],
    [layerLinkPath(repository, digest), Buffer.from(digest)],
    [revisionLinkPath(repository, digest), Buffer.from(digest)],
    [tagCurrentLinkPath(repository, tag), Buffer.from(digest)],
  ];
  for (const [path, file] of files) {
    await driver.put(path, file);
    await driver.setModified(path, modifiedMs);
  }
  return digest;
}

/** A target that refuses to write what begins with a path. */
function failingTarget(
  inner: StorageDriver,
  denied: string,
  error: Error = new StorageUnavailableError("memory: permission denied"),
): StorageDriver {
  const driver = withoutAbilities(inner);
  return {
    ...driver,
    put: (path, content) => (path.startsWith(denied) ? Promise.reject(error) : driver.put(path, content)),
  };
}

/** A scan that tells neither sizes nor times, as that of a disk. */
async function* namesOnly(driver: StorageDriver, path: string): AsyncGenerator<{ path: string }[]> {
  try {
    for await (const file of driver.walk(path)) yield [{ path: file.path }];
  } catch {
    // There is no such folder.
  }
}

async function has(driver: StorageDriver, path: string): Promise<boolean> {
  return driver.stat(path).then(
    () => true,
    () => false,
  );
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
