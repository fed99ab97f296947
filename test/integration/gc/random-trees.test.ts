import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect, TEST_HOLDER } from "../../support/collect.ts";
import { filesToKeep } from "../../support/needed-oracle.ts";
import { buildRandomTree, pushSteps } from "../../support/random-tree.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { RemoteStore } from "../../support/remote-store.ts";

const STORE = "/docker/registry/v2";

/** Dies, as by kill -9, before the delete after the first `deletesLeft` ones. */
function mortal<T extends MemoryDriver | FilesystemDriver>(driver: T): T & { deletesLeft: number } {
  const deleteMany = driver.deleteMany.bind(driver);
  const mortalDriver = Object.assign(driver, { deletesLeft: Number.POSITIVE_INFINITY });
  mortalDriver.deleteMany = async (paths) => {
    for (const path of paths) {
      if (mortalDriver.deletesLeft-- <= 0) throw new Error("killed");
      await deleteMany([path]);
    }
    return [];
  };
  return mortalDriver;
}

function mortalRemote(): StorageDriver & { deletesLeft: number } {
  const inner = mortal(new MemoryDriver());
  const { driver } = new RemoteStore({ inner });
  return Object.defineProperty(Object.assign(driver, { deletesLeft: 0 }), "deletesLeft", {
    get: () => inner.deletesLeft,
    set: (left: number) => {
      inner.deletesLeft = left;
    },
  });
}

async function withDriver(
  kind: string,
  use: (driver: StorageDriver & { deletesLeft: number }) => Promise<void>,
): Promise<void> {
  if (kind === "memory") return use(mortal(new MemoryDriver()));
  if (kind === "requests") return use(mortalRemote());
  const folder = await mkdtemp(join(tmpdir(), "registry-ctl-gc-"));
  try {
    await use(mortal(new FilesystemDriver({ rootDirectory: folder })));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.each([
  ["memory", 300],
  ["requests", 100],
  ["filesystem", 25],
])("random registries on %s", (kind, numRuns) => {
  it("keep exactly what tags, indexes and subjects need; a dry run foretells it; a second run finds nothing", async () => {
    await fc.assert(
      fc.asyncProperty(pushSteps, fc.boolean(), async (steps, deleteUntagged) => {
        await withDriver(kind, async (driver) => {
          const tree = new RegistryTree(driver);
          await buildRandomTree(tree, steps);
          const expected = [...(await filesToKeep(driver, deleteUntagged))].sort();
          const before = await tree.files();

          const dry = await collect(driver, { deleteUntagged, dryRun: true });
          expect(await tree.files()).toEqual(before);
          const real = await collect(driver, { deleteUntagged });

          expect((await tree.files(STORE)).sort()).toEqual(expected);
          expect(real.deleted).toEqual(dry.eligible);
          expect(real.marked).toEqual(dry.marked);
          expect([...real.warnings, ...real.failed]).toEqual([]);
          const again = await collect(driver, { deleteUntagged });
          expect(again.deleted).toEqual({
            blobs: 0,
            bytes: 0,
            manifests: 0,
            layerLinks: 0,
            tagHistoryLinks: 0,
          });
        });
      }),
      { numRuns },
    );
  });

  it("lose nothing that is needed when a run is killed anywhere, and the next run finishes", async () => {
    await fc.assert(
      fc.asyncProperty(
        pushSteps,
        fc.boolean(),
        fc.array(fc.nat(12), { maxLength: 3 }),
        async (steps, all, kills) => {
          await withDriver(kind, async (driver) => {
            const tree = new RegistryTree(driver);
            await buildRandomTree(tree, steps);
            const deleteUntagged = !all;
            const expected = await filesToKeep(driver, deleteUntagged);
            const holder = { ...TEST_HOLDER, isAlive: () => false };
            for (const deletes of kills) {
              driver.deletesLeft = deletes;
              await collect(driver, { deleteUntagged }, { holder }).catch((error: Error) => {
                if (error.message !== "killed") throw error;
              });
              const present = new Set(await tree.files(STORE));
              expect([...expected].filter((path) => !present.has(path))).toEqual([]);
            }
            driver.deletesLeft = Number.POSITIVE_INFINITY;
            const last = await collect(driver, { deleteUntagged }, { holder });

            expect((await tree.files(STORE)).sort()).toEqual([...expected].sort());
            expect(last.warnings).toEqual([]);
          });
        },
      ),
      { numRuns },
    );
  });
});
