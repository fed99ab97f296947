import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CancelledError, StorageUnavailableError } from "../../../../src/errors.ts";
import type { ComparedFile } from "../../../../src/registry/copy/compared-file.ts";
import { type MergeOptions, mergeScans } from "../../../../src/registry/copy/merge-scans.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { compareKeys } from "../../../../src/storage/key-order.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { withoutAbilities } from "../../../support/registry-stores.ts";

const names = fc.array(fc.constantFrom("a", "a-b", "a0", "b/x", "b/y/z", "b0", "c", "c/ä/x", "d/x", "d/y"), {
  maxLength: 8,
});

describe("mergeScans", () => {
  test("gives every path that one of both has, once and in key order", async () => {
    await fc.assert(
      fc.asyncProperty(names, names, fc.boolean(), async (left, right, plain) => {
        const [source, target] = [await storeWith(left), await storeWith(right)];
        const files = await merged(plain ? withoutAbilities(source) : source, target);
        const expected = [...(await pathsOf(source)), ...(await pathsOf(target))];
        expect(files.map(({ path }) => path)).toEqual([...new Set(expected)].sort(compareKeys));
        const ofSource = files.filter((file) => file.source).map(({ path }) => path);
        expect(ofSource).toEqual(await pathsOf(source));
        const ofTarget = files.filter((file) => file.target).map(({ path }) => path);
        expect(ofTarget).toEqual(await pathsOf(target));
      }),
    );
  });

  test("leaves out everything up to a path", async () => {
    await fc.assert(
      fc.asyncProperty(names, names, fc.nat(10), async (left, right, at) => {
        const [source, target] = [await storeWith(left), await storeWith(right)];
        const all = (await merged(source, target)).map(({ path }) => path);
        const after = all[at % Math.max(1, all.length)] ?? "/f";
        const files = await merged(source, withoutAbilities(target), { after });
        expect(files.map(({ path }) => path)).toEqual(all.filter((path) => compareKeys(path, after) > 0));
      }),
    );
  });

  test("compares many batches of a store with nothing", async () => {
    const source = new MemoryDriver();
    for (let number = 0; number < 2500; number++) await source.put(`/f/${number}`, new Uint8Array());
    const files = await merged(source, new MemoryDriver());
    expect(files).toHaveLength(2500);
    expect(files.every((file) => file.source && !file.target)).toBe(true);
  });

  test("tells on which side a folder could not be listed, and goes on", async () => {
    const source = await storeWith(["a", "b/x"]);
    const broken = withoutAbilities(await storeWith(["a", "b/x"]));
    const list = broken.list;
    broken.list = (path) =>
      path === "/f/b" ? Promise.reject(new StorageUnavailableError("EIO")) : list(path);
    const failures: string[] = [];
    const onFailure: MergeOptions["onFailure"] = (side, { path }) => failures.push(`${side} ${path}`);
    const files = await merged(source, broken, { onFailure });
    expect(failures).toEqual(["target /f/b"]);
    expect(files.filter((file) => !file.target).map(({ path }) => path)).toEqual(["/f/b/x"]);
  });

  test("refuses a store that does not list in key order", async () => {
    const source = await storeWith(["a", "b"]);
    source.scan = async function* () {
      yield [{ path: "/f/b" }];
      yield [{ path: "/f/a" }];
    };
    await expect(merged(source, new MemoryDriver())).rejects.toThrow("/f/a came behind /f/b");
  });

  test("ends when it is cancelled", async () => {
    const signal = AbortSignal.abort();
    await expect(merged(await storeWith(["a"]), new MemoryDriver(), { signal })).rejects.toThrow(
      CancelledError,
    );
  });

  test("ends both scans when nobody wants more", async () => {
    const ended: string[] = [];
    const endless = (name: string): StorageDriver => {
      const driver = new MemoryDriver();
      driver.scan = async function* () {
        try {
          for (let number = 100_000; ; number++) yield [{ path: `/f/${number}` }];
        } finally {
          ended.push(name);
        }
      };
      return driver;
    };
    const onFailure = (): void => undefined;
    for await (const _ of mergeScans(endless("source"), endless("target"), "/f", { onFailure })) break;
    expect(ended.sort()).toEqual(["source", "target"]);
  });
});

async function merged(
  source: StorageDriver,
  target: StorageDriver,
  options: Partial<MergeOptions> = {},
): Promise<ComparedFile[]> {
  const files: ComparedFile[] = [];
  const onFailure = (): void => undefined;
  for await (const batch of mergeScans(source, target, "/f", { onFailure, ...options })) files.push(...batch);
  return files;
}

async function storeWith(paths: readonly string[]): Promise<MemoryDriver> {
  const driver = new MemoryDriver();
  for (const path of paths) await driver.put(`/f/${path}`, Buffer.from(path)).catch(() => undefined);
  return driver;
}

async function pathsOf(driver: StorageDriver): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const { path } of driver.walk("/f")) paths.push(path);
  } catch {
    // There is no such folder in an empty store.
  }
  return paths;
}
