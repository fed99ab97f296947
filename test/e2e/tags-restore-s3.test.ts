import { expect, it } from "vitest";
import { verifyRegistry } from "../../src/operations/verify/verify-registry.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../support/ceph/test-bucket.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { storeInBucket } from "../support/two-stores.ts";

const NAME = "group/app";

describeOnEachRgw("tags set and restore in a bucket", (version) => {
  it("sets, overwrites and restores, and refuses what lacks something", async () => {
    const { driver, configPath, stateDir } = await storeInBucket(await bucketOfTest(version));
    const repository = new RegistryTree(driver).repository(NAME);
    const one = await repository.image("one", ["layer of one"], { tag: "v1" });
    const two = await repository.image("two", ["layer of two"]);
    const run = (...words: string[]): Promise<ProgramResult> =>
      runRegistryCtl([...words, "-c", configPath, "--state-dir", stateDir, "--json", "--yes"]);
    const set = await run("tags", "set", `${NAME}:v1`, two.digest);
    expect(set.exitCode, set.stderr).toBe(0);
    expect(JSON.parse(set.stdout)).toMatchObject({ before: one.digest, after: two.digest });
    const restored = await run("tags", "restore", `${NAME}:v1`);
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(JSON.parse(restored.stdout)).toMatchObject({ before: two.digest, after: one.digest });
    const unknown = `sha256:${"0".repeat(64)}`;
    expect((await run("tags", "set", `${NAME}:v1`, unknown)).exitCode).toBe(12);
    const { problems } = await verifyRegistry(
      { driver, nowMs: Date.now },
      { checksumPercent: undefined, repositories: [], concurrency: 8, usesMetadataDatabase: false },
    );
    expect(problems).toEqual([]);
  });
});
