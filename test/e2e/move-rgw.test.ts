import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { openDriver } from "../../src/storage/open-driver.ts";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../support/ceph/test-bucket.ts";
import { findFreePort } from "../support/free-port.ts";
import { pullableTags } from "../support/pullable-tags.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { writeServeConfig } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const KILLS = 3;
const IMAGES = 15;

describeOnEachRgw("move in a bucket", (version) => {
  it("has every tag whole under one of both names after each kill -9", { timeout: 300_000 }, async () => {
    const bucket = await bucketOfTest(version);
    const driver = await openDriver({ ...bucket.settings(), rootDirectory: "images" }, { readOnly: false });
    const tree = new RegistryTree(driver);
    for (let number = 0; number < IMAGES; number++)
      await tree.repository("a").image(`${number}`, ["base", `layer ${number}`], { tag: `t${number}` });
    const rootDirectory = join(await temporaryFolder(), "registry");
    const storage = bucketStorage(bucket);
    const configPath = await writeServeConfig({ rootDirectory, storage, port: await findFreePort() });
    const { whole: before } = await pullableTags(driver, "a");
    expect(Object.keys(before)).toHaveLength(IMAGES);
    const words = ["-c", configPath, "--state-dir", `${rootDirectory}.state`, "move", "--yes", "a", "b"];
    const filesOf = (name: string) => tree.files(`/docker/registry/v2/repositories/${name}`);
    for (let kill = 0; kill < KILLS; kill++) {
      const run = startRegistryCtl(words);
      // While links come to the new name, or go from the old one.
      const wanted = (kill + 1) * 20;
      while (run.child.exitCode === null && (await filesOf("b")).length < wanted) await sleep(2);
      run.child.kill("SIGKILL");
      await run.result;
      const [old, moved] = [await pullableTags(driver, "a"), await pullableTags(driver, "b")];
      expect([old.whole, moved.whole]).toContainEqual(before);
      expect([...old.broken, ...moved.broken]).toEqual([]);
    }
    const last = await runRegistryCtl(words);
    // The last one that was killed may have been at its end.
    if (!last.stderr.includes("there is no repository")) expect(last.exitCode, last.stderr).toBe(0);
    expect((await pullableTags(driver, "b")).whole).toEqual(before);
    expect(await filesOf("a")).toEqual([]);
    const verified = await runRegistryCtl(["-c", configPath, "verify"]);
    expect(verified.exitCode, verified.stdout).toBe(0);
  });
});
