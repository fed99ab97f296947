import { expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import type { AgainstReport } from "../../../src/operations/verify/against/against-report.ts";
import { compareStores } from "../../../src/operations/verify/against/compare-stores.ts";
import { blobDataPath, layerLinkPath, tagCurrentLinkPath } from "../../../src/registry/paths.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { openDriver } from "../../../src/storage/open-driver.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { s3ServerOfTest } from "../../support/s3-lane.ts";
import { faultsBySeed } from "../../support/s3-server/faults.ts";
import { repair } from "../../unit/operations/verify/repair/repair-store.ts";

const IMAGES = 60;

async function fill(driver: StorageDriver): Promise<void> {
  for (let number = 0; number < IMAGES; number++) {
    const repository = new RegistryTree(driver).repository(`group/app-${number % 7}`);
    await repository.image(`image ${number}`, [`layer ${number}`, "shared"], { tag: `v${number}` });
  }
}

/** One of each sort, in a store that has them on whatever side. */
async function damage(driver: StorageDriver): Promise<void> {
  const layer = (number: number) => digestOf(Buffer.from(`layer ${number}`));
  await driver.delete(blobDataPath(layer(1)));
  await driver.put(blobDataPath(layer(2)), Buffer.from("LAYER 2"));
  await driver.put(blobDataPath(layer(3)), Buffer.from("lay"));
  await driver.put(layerLinkPath("group/app-4", layer(4)), Buffer.from("?"));
  await driver.delete(layerLinkPath("group/app-5", layer(5)));
  await driver.put(tagCurrentLinkPath("group/app-6", "v6"), Buffer.from(layer(7)));
}

/** Without what depends on how often something was asked for, and on time. */
function withoutEffort({ seconds: _, requests: __, graph, ...report }: AgainstReport): object {
  if (!graph) return report;
  const { seconds: ___, requests: ____, ...rest } = graph;
  return { ...report, graph: rest };
}

it("tells the same of two buckets when one request in twenty fails", { timeout: 120_000 }, async () => {
  const servers = [await s3ServerOfTest(), await s3ServerOfTest()];
  const drivers: StorageDriver[] = [];
  for (const s3 of servers) drivers.push(await openDriver(s3.settings("registry"), {}));
  const [source, target] = drivers;
  if (!source || !target) throw new Error("there are no stores");
  for (const driver of drivers) await fill(driver);
  await damage(target);
  const compare = () =>
    compareStores(
      source,
      target,
      { nowMs: Date.now },
      { concurrency: 16, checkGraph: true, sourceIsHeld: true, checksumPercent: 100, hashesSource: true },
    );
  const calm = withoutEffort(await compare());
  expect(calm).toMatchObject({
    differencesByKind: { missing: 2, size: 2, content: 1, digest: 1 },
    uncheckedCount: 0,
  });
  for (const seed of [1, 2, 3]) {
    for (const [index, s3] of servers.entries())
      s3.options.faults = faultsBySeed(seed + index, { probability: 0.05 });
    expect(withoutEffort(await compare())).toEqual(calm);
  }
});

it("repairs a bucket as well when one request in twenty fails", { timeout: 120_000 }, async () => {
  const s3 = await s3ServerOfTest();
  const driver = await openDriver(s3.settings("registry"), {});
  const whole = new MemoryDriver();
  for (const store of [driver, whole]) await fill(store);
  await damage(driver);
  s3.options.faults = faultsBySeed(7, { probability: 0.05 });
  const report = await repair(driver, { from: whole, checksumPercent: 100 });
  s3.options.faults = undefined;
  expect(report).toMatchObject({
    done: { "fetch-blob": 3, "rewrite-link": 1, "restore-link": 1 },
    failures: 0,
    // The tag that points to a layer: what it should point to is not to be guessed.
    found: { counts: expect.not.objectContaining({ "missing-blob": expect.anything() }) },
  });
  const after = await compareStores(
    driver,
    whole,
    { nowMs: Date.now },
    { concurrency: 16, checkGraph: false, sourceIsHeld: true, checksumPercent: 100, hashesSource: true },
  );
  expect(after.differences.map(({ path }) => path)).toContain(tagCurrentLinkPath("group/app-6", "v6"));
});
