import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { blobDataPath, layerLinkPath, tagCurrentLinkPath } from "../../src/registry/paths.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../support/ceph/test-bucket.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import {
  age,
  contentsOf,
  type FilledStore,
  fillStore,
  type NamedStore,
  storeInBucket,
  storeOnDisk,
} from "../support/two-stores.ts";

/** The gateway gives times in whole seconds: what was written before that long counts as written before. */
const NOT_JUST_NOW_MS = 3500;

const against = (source: NamedStore, target: NamedStore, ...args: string[]) =>
  runRegistryCtl([
    ...["verify", "--state-dir", source.stateDir, "--against", target.configPath, ...args, source.configPath],
  ]);

const DAMAGE: [string, (s: NamedStore, p: FilledStore) => Promise<void>, [string, string]][] = [
  [
    "a blob is lost",
    ({ driver }, { shared }) => driver.delete(blobDataPath(shared.digest)),
    ["extra", "missing"],
  ],
  [
    "a blob is truncated",
    ({ driver }, { shared }) => driver.put(blobDataPath(shared.digest), Buffer.from("sha")),
    ["size", "size"],
  ],
  [
    "a blob is changed",
    ({ driver }, { shared }) => driver.put(blobDataPath(shared.digest), Buffer.from("SHARED layer")),
    ["digest", "digest"],
  ],
  [
    "a tag points elsewhere",
    ({ driver }, { platform }) =>
      driver.put(tagCurrentLinkPath("group/app", "v1"), Buffer.from(platform.digest)),
    ["content", "content"],
  ],
  [
    "a link is empty",
    ({ driver }, { shared }) => driver.put(layerLinkPath("group/app", shared.digest), new Uint8Array()),
    ["size", "size"],
  ],
];

describeOnEachRgw("verify of a bucket", (version) => {
  it("--against holds it against a disk, and a disk against it", { timeout: 120_000 }, async () => {
    const disk = await storeOnDisk();
    const bucket = await storeInBucket(await bucketOfTest(version));
    await fillStore(disk.driver);
    await fillStore(bucket.driver);
    await age(disk);
    for (const [source, target] of [
      [disk, bucket],
      [bucket, disk],
    ] as const) {
      const { stdout, stderr, exitCode } = await against(source, target, "--checksum");
      expect(exitCode, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/\nblobs\/ +10 .* 10 /);
      expect(stdout).toContain("checksums: of 10 of 10 blobs");
      expect(stdout).toMatch(/(source|target) requests: \d+ /);
      expect(stdout).toContain("the target has everything that the source has, and nothing else");
    }
    // Of links the listing tells enough: no more requests than listings, the blobs' own and those of the proof.
    const quick = JSON.parse((await against(disk, bucket, "--json")).stdout);
    const { requests } = quick.graph;
    const total = (counts: Record<string, number>) =>
      Object.values(counts).reduce((sum, count) => sum + count, 0);
    expect(total(quick.requests.target) - total(requests)).toBeLessThan(14);
    const { shown, exitCode } = await runOnTerminal([
      ...["verify", "--state-dir", disk.stateDir, "--against", bucket.configPath, disk.configPath],
    ]);
    expect(exitCode, shown).toBe(0);
  });

  it("--against finds each damage on either side", { timeout: 240_000 }, async () => {
    const cases = DAMAGE.flatMap(([what, damage, expected]) =>
      (["source", "target"] as const).map((side, index) => ({ what, damage, side, kind: expected[index] })),
    );
    const pairs = await Promise.all(
      cases.map(async ({ damage, side }) => {
        const stores = {
          source: await storeInBucket(await bucketOfTest(version)),
          target: await storeOnDisk(),
        };
        const pushed = await fillStore(stores.source.driver);
        await fillStore(stores.target.driver);
        await damage(stores[side], pushed);
        return stores;
      }),
    );
    await sleep(NOT_JUST_NOW_MS);
    for (const [index, { what, side, kind }] of cases.entries()) {
      const stores = pairs[index];
      if (!stores) throw new Error("there is no such pair");
      const { stdout, stderr, exitCode } = await against(
        stores.source,
        stores.target,
        "--json",
        "--checksum",
      );
      expect(exitCode, `${what} in the ${side}: ${stderr}`).toBe(4);
      const found = JSON.parse(stdout).differences.map((difference: { kind: string }) => difference.kind);
      expect(found, `${what} in the ${side}`).toEqual([kind]);
    }
  });

  it("--repair mends it from a disk, and a disk from it", { timeout: 120_000 }, async () => {
    const disk = await storeOnDisk();
    const bucket = await storeInBucket(await bucketOfTest(version));
    const pushed = await fillStore(disk.driver);
    await fillStore(bucket.driver);
    const sound = await contentsOf(disk.driver);
    for (const [broken, whole] of [
      [bucket, disk],
      [disk, bucket],
    ] as const) {
      const collected = await new RegistryTree(broken.driver).repository("group/app").layer("collected");
      await broken.driver.delete(blobDataPath(collected.digest));
      await broken.driver.delete(blobDataPath(pushed.shared.digest));
      await broken.driver.put(blobDataPath(pushed.platform.digest), Buffer.from("{}"));
      await broken.driver.put(
        layerLinkPath("group/app", digestOf(Buffer.from("own layer"))),
        Buffer.from("?"),
      );
      const damaged = await contentsOf(broken.driver);
      const args = ["verify", "--state-dir", broken.stateDir, "--repair", "--from", whole.configPath];
      const dry = await runRegistryCtl([...args, "--dry-run", broken.configPath]);
      expect(dry.exitCode, dry.stderr).toBe(0);
      expect(await contentsOf(broken.driver)).toEqual(damaged);
      const { stdout, stderr, exitCode } = await runRegistryCtl([...args, "--yes", broken.configPath]);
      expect(exitCode, stdout + stderr).toBe(0);
      expect(stdout).toContain("2 blobs fetched, 1 link rewritten, 1 link removed");
      expect(await contentsOf(broken.driver)).toEqual(sound);
    }
  });
});
