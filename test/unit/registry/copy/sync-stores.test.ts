import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { digestOf, parseDigest } from "../../../../src/oci/digest.ts";
import type { SyncOptions, SyncPosition } from "../../../../src/registry/copy/sync-options.ts";
import type { SyncResult } from "../../../../src/registry/copy/sync-result.ts";
import { syncStores } from "../../../../src/registry/copy/sync-stores.ts";
import { blobDataPath } from "../../../../src/registry/paths.ts";
import { type BulkDelete, canDeleteMany } from "../../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { compareKeys } from "../../../../src/storage/key-order.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { filesOf, withoutAbilities } from "../../../support/registry-stores.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import {
  copiedFilesOf,
  filesOfTree,
  type TreeItem,
  treeItems,
  writeFiles,
} from "../../../support/sync-trees.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { danglingIn, watchTarget } from "../../../support/watched-target.ts";

const LONG_AGO_MS = Date.UTC(2026, 0, 1);
const AS_OF_MS = Date.UTC(2026, 5, 1);
const PASSES = ["blobs", "repositories", "deletions"];

describe("syncStores without a place to remember things", () => {
  test("says so, at the start and in the middle", async () => {
    const [source, target] = [new MemoryDriver(), new MemoryDriver()];
    const sound = digestOf(Buffer.from("sound"));
    await source.put(blobDataPath(sound), Buffer.from("sound"));
    await source.put(blobDataPath(parseDigest(`sha256:${"f".repeat(64)}`)), Buffer.from("damaged"));
    const folder = await temporaryFolder();
    const refused = { code: "ERR_REGISTRY_STATE", message: expect.stringContaining("cannot be kept in") };
    await expect(sync(source, target, { spoolFolder: join(folder, "none") })).rejects.toMatchObject(refused);
    const put = target.put.bind(target);
    target.put = async (path, content) => {
      await put(path, content);
      mkdirSync(join(folder, "held.jsonl"));
    };
    await expect(sync(source, target, { spoolFolder: folder, concurrency: 1 })).rejects.toMatchObject(
      refused,
    );
    expect(await target.get(blobDataPath(sound))).toEqual(Buffer.from("sound"));
  });
});

describe("syncStores on random stores", () => {
  test("makes the target equal to the source, whatever it held", async () => {
    const spoolFolder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(treeItems, treeItems, fc.boolean(), fc.boolean(), async (left, right, bare, plain) => {
        const { source, target } = await storesWith(left, right);
        const uploads = await uploadsOf(target);
        const result = await sync(
          bare ? withoutAbilities(source) : source,
          plain ? withoutAbilities(target) : target,
          { spoolFolder, deleteExtra: true },
        );
        expect(await copiedFilesOf(target)).toEqual(await copiedFilesOf(source));
        expect(await uploadsOf(target)).toEqual(uploads);
        expect(result).toMatchObject({ failedCount: 0, damagedCount: 0, vanished: 0 });
        expect(result.copied.files + result.same.files).toBe(result.source.files);
        const again = await sync(source, target, { spoolFolder, deleteExtra: true });
        expect(again).toMatchObject({ copied: { files: 0 }, deleted: { files: 0 } });
        expect(again.target).toMatchObject({ files: again.source.files, bytes: again.source.bytes });
      }),
    );
  });

  test("names nothing at the target that is not there, at no moment", async () => {
    const spoolFolder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(treeItems, treeItems, fc.nat(), async (left, right, seed) => {
        const { source, target } = await storesWith(left, right);
        const watched = watchTarget(target, new SeededRandom(seed));
        await sync(source, watched.driver, { spoolFolder, deleteExtra: true, concurrency: 6 });
        expect(watched.faults).toEqual([]);
        expect(await danglingIn(target)).toEqual([]);
      }),
    );
  });

  test("goes on where it was stopped, at any point, and copies nothing from before again", async () => {
    const spoolFolder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(treeItems, treeItems, fc.nat(), fc.nat(40), async (left, right, seed, stopAt) => {
        const { source, target } = await storesWith(left, right);
        const watched = watchTarget(target, new SeededRandom(seed));
        if (!canDeleteMany(watched.driver)) throw new Error("memory removes many files at once");
        const { position, isDone } = await stoppedSync(source, watched.driver, { spoolFolder, stopAt });
        expect(watched.faults).toEqual([]);
        expect(await danglingIn(target)).toEqual([]);
        const writtenBefore = watched.written.splice(0);
        const result = await sync(source, watched.driver, {
          ...{ spoolFolder, deleteExtra: true, concurrency: 3 },
          resumeAt: position,
        });
        expect(watched.faults).toEqual([]);
        expect(await copiedFilesOf(target)).toEqual(await copiedFilesOf(source));
        if (isDone) expect(watched.written).toEqual([]);
        for (const path of watched.written) expect(isBehind(path, position), path).toBe(true);
        expect(
          writtenBefore.every((path) => !watched.written.includes(path) || isBehind(path, position)),
        ).toBe(true);
        expect(result.failedCount).toBe(0);
      }),
    );
  });

  test("names nothing that is not there while clients push, whatever they have written again", async () => {
    const spoolFolder = await temporaryFolder();
    const young = fc.array(fc.nat(100), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(treeItems, treeItems, young, fc.nat(), async (left, right, picks, seed) => {
        const { source, target } = await storesWith(left, right);
        const paths = await filesOf(source);
        for (const path of paths) await source.setModified(path, LONG_AGO_MS);
        for (const pick of picks) {
          const path = paths[pick % Math.max(1, paths.length)];
          if (path) await source.setModified(path, AS_OF_MS + pick);
        }
        const watched = watchTarget(target, new SeededRandom(seed));
        const options = { spoolFolder, deleteExtra: true, concurrency: 6 };
        await sync(source, watched.driver, { ...options, asOfMs: AS_OF_MS });
        expect(watched.faults).toEqual([]);
        expect(await danglingIn(target)).toEqual([]);
        await sync(source, watched.driver, options);
        expect(watched.faults).toEqual([]);
        expect(await copiedFilesOf(target)).toEqual(await copiedFilesOf(source));
      }),
    );
  });

  test("a dry run tells what a real one does, and writes nothing", async () => {
    const spoolFolder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(treeItems, treeItems, async (left, right) => {
        const { source, target } = await storesWith(left, right);
        const before = await copiedFilesOf(target);
        const spooled = contentOfFolder(spoolFolder);
        const planned = await sync(source, target, { spoolFolder, deleteExtra: true, dryRun: true });
        expect(await copiedFilesOf(target)).toEqual(before);
        expect(contentOfFolder(spoolFolder)).toEqual(spooled);
        const done = await sync(source, target, { spoolFolder, deleteExtra: true });
        expect(withoutSeconds(planned)).toEqual(withoutSeconds(done));
      }),
    );
  });
});

function contentOfFolder(folder: string): string[] {
  return readdirSync(folder).map((name) => `${name}: ${readFileSync(join(folder, name), "utf8")}`);
}

function withoutSeconds({ seconds: _, ...result }: SyncResult): Omit<SyncResult, "seconds"> {
  return result;
}

/** Runs until so many files have been looked at or written, then aborts. */
async function stoppedSync(
  source: StorageDriver,
  target: StorageDriver & BulkDelete,
  { spoolFolder, stopAt }: { spoolFolder: string; stopAt: number },
): Promise<{ position: SyncPosition; isDone: boolean }> {
  let position: SyncPosition = { pass: "blobs", after: "" };
  const abort = new AbortController();
  let left = stopAt;
  const { put, deleteMany } = target;
  target.put = async (path, content) => {
    if (left-- <= 0) abort.abort();
    await put(path, content);
  };
  target.deleteMany = async (paths) => {
    if (left-- <= 0) abort.abort();
    return deleteMany(paths);
  };
  try {
    const options = { spoolFolder, deleteExtra: true, signal: abort.signal, concurrency: 5 };
    await sync(source, target, { ...options, onPosition: (told) => (position = told) });
    return { position, isDone: true };
  } catch (error) {
    expect(error).toBeInstanceOf(CancelledError);
    return { position, isDone: false };
  } finally {
    Object.assign(target, { put, deleteMany });
  }
}

function isBehind(path: string, { pass, after }: SyncPosition): boolean {
  const own = path.startsWith("/docker/registry/v2/blobs/") ? 0 : 1;
  const at = PASSES.indexOf(pass);
  return (
    own > at || (own === at && (compareKeys(path, after) > 0 || !path.startsWith("/docker/registry/v2/re")))
  );
}

async function storesWith(
  left: readonly TreeItem[],
  right: readonly TreeItem[],
): Promise<{ source: MemoryDriver; target: MemoryDriver }> {
  const [source, target] = [new MemoryDriver(), new MemoryDriver()];
  await writeFiles(source, filesOfTree(left));
  await writeFiles(target, filesOfTree(right));
  return { source, target };
}

async function uploadsOf(driver: StorageDriver): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of driver.walk("/")) if (path.includes("/_uploads/")) paths.push(path);
  return paths;
}

function sync(
  source: StorageDriver,
  target: StorageDriver,
  options: Partial<SyncOptions> & { spoolFolder: string },
): Promise<SyncResult> {
  return syncStores(source, target, {
    ...{ asOfMs: undefined, deleteExtra: false, skipDamaged: false, concurrency: undefined },
    ...{ maxBytesPerSecond: undefined, resumeAt: undefined, dryRun: false },
    signal: new AbortController().signal,
    ...options,
  });
}
