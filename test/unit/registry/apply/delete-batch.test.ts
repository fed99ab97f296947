import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { batchDeleter } from "../../../../src/registry/apply/delete-batch.ts";
import { StoreThreads } from "../../../../src/registry/threads/store-threads.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { wrapDriver } from "../../../../src/storage/wrappers/wrap-driver.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "registry-ctl-batch-"));
});

afterEach(() => rm(root, { recursive: true }));

const batch = (...paths: string[]) => ({
  paths,
  foldersAbove: 1,
  keepWrittenAfterMs: Number.POSITIVE_INFINITY,
});

describe("a batch", () => {
  it.each<[string, (folder: string) => StorageDriver]>([
    ["on a filesystem", (rootDirectory) => new FilesystemDriver({ rootDirectory })],
    ["with a bulk delete", () => new MemoryDriver()],
    ["without one", () => wrapDriver(new MemoryDriver(), { without: ["deleteMany"] })],
    [
      "without looks at ages",
      () => wrapDriver(new MemoryDriver(), { without: ["deleteMany", "getSync", "statFileSync"] }),
    ],
  ])("goes %s, what is gone is told", async (_, open) => {
    const driver = open(root);
    for (const path of ["/a/1/link", "/a/2/link", "/b/3/link"]) await driver.put(path, new Uint8Array(1));
    const remove = batchDeleter(driver, { concurrency: 2, threads: StoreThreads.for(driver, 0) });

    const { outcomes } = await remove(batch("/a/1/link", "/b/3/link", "/b/none/link"));

    expect(outcomes).toEqual(["deleted", "deleted", "gone"]);
    expect(await driver.list("/a")).toMatchObject([{ path: "/a/2" }]);
  });

  it("with a bulk delete tells of each file that stays", async () => {
    const driver = new MemoryDriver();
    await driver.put("/a/1", new Uint8Array(1));
    const refusing = Object.assign(wrapDriver(driver, {}), {
      deleteMany: async (paths: readonly string[]) =>
        paths.map((path) => ({ path, error: new Error("503") })),
    });
    const remove = batchDeleter(refusing, { concurrency: 2, threads: undefined });
    expect(await remove(batch("/a/1"))).toEqual({ outcomes: [{ error: "503" }], staying: [], blocked: [] });
  });

  it("is done again in this thread when its thread dies midway, and what is gone by then counts as deleted", async () => {
    for (const name of ["1", "2"]) {
      await mkdir(join(root, "a", name), { recursive: true });
      await writeFile(join(root, "a", name, "link"), "x");
    }
    const driver = new FilesystemDriver({ rootDirectory: root });
    const dying = Object.assign(new StoreThreads(driver, 0), {
      run: async () => {
        await rm(join(root, "a/1"), { recursive: true });
        throw new Error("out of memory");
      },
    });
    const lost: unknown[] = [];
    const remove = batchDeleter(driver, {
      concurrency: 1,
      threads: dying,
      onThreadLoss: (error) => lost.push(error),
    });

    const { outcomes } = await remove(batch("/a/1/link", "/a/2/link"));

    expect(outcomes).toEqual(["deleted", "deleted"]);
    expect(lost).toEqual([new Error("out of memory")]);
    expect(existsSync(join(root, "a/2"))).toBe(false);
  });
});
