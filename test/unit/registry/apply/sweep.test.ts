import { expect, it } from "vitest";
import { Sweep } from "../../../../src/registry/apply/sweep.ts";
import { planCollection } from "../../../../src/registry/plan/plan-collection.ts";
import { StoreThreads } from "../../../../src/registry/threads/store-threads.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

it("warns once of threads that died, and removes everything without them", async () => {
  const driver = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
  const tree = new RegistryTree(driver);
  const app = tree.repository("app");
  await app.image("kept", [], { tag: "v1" });
  const dead = await app.image("dead", ["layer"]);
  const plan = await planCollection(driver, {
    rules: {
      deleteUntagged: true,
      keepWrittenAfterMs: Number.POSITIVE_INFINITY,
      agesMatter: false,
      keepUntaggedAfterMs: Number.POSITIVE_INFINITY,
    },
    concurrency: 1,
  });
  const run = Object.assign(new StoreThreads(driver, 0), {
    run: () => Promise.reject(new Error("out of memory")),
  });
  const warnings: string[] = [];
  const sweep = new Sweep(driver, plan, {
    concurrency: 1,
    threads: { run, inFlight: 2 },
    temporaryBeforeMs: 0,
    onWarning: (warning) => warnings.push(warning),
  });

  const { deleted } = await sweep.run();

  expect(deleted).toMatchObject({ manifests: 1, layerLinks: 2, blobs: 3 });
  expect(await tree.hasBlob(dead.digest)).toBe(false);
  expect(warnings).toEqual(["a thread ended too early, its work was done again: out of memory"]);
});
