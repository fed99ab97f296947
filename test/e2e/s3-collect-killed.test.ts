import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../support/ceph/test-bucket.ts";
import { runCollector, startCollector } from "../support/collector-process.ts";
import { expectAllComplete } from "../support/push-many.ts";
import { pushMovingTags } from "../support/push-moving-tags.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const KILLS = 5;
const MORE = ["--max-delete", "100%"];

describeOnEachRgw("garbage-collect killed on a bucket", (version) => {
  it("loses nothing that has a tag, and the last run finishes", { timeout: 300_000 }, async () => {
    const bucket = await bucketOfTest(version);
    const storage = bucketStorage(bucket);
    const folder = await temporaryFolder();
    const rootDirectory = join(folder, "registry");
    const server = await startServe({ rootDirectory, storage });
    const tagged = await pushMovingTags(server.url, { repositories: 6, images: 20 });
    await server.stop();
    const dryRun = await runCollector(rootDirectory, ["--dry-run", ...MORE], { storage });
    expect(dryRun.exitCode, dryRun.stderr).toBe(0);
    const { eligible } = JSON.parse(dryRun.stdout);
    const going = eligible.blobs + eligible.manifests + eligible.layerLinks + eligible.tagHistoryLinks;
    const all = (await bucket.listKeys()).filter(isOfRegistry).length;

    let left = all;
    let killed = 0;
    for (let kill = 0; kill < KILLS && left > all - going; kill++) {
      // From the first deletions to the last: each run is killed when a share of what is left has gone.
      const until = left - Math.floor((left - (all - going)) / (KILLS - kill));
      const run = await startCollector(rootDirectory, MORE, { storage });
      while (run.isRunning() && left > until) {
        await sleep(5);
        left = (await bucket.listKeys()).filter(isOfRegistry).length;
      }
      if (run.isRunning()) killed++;
      run.send("SIGKILL");
      await run.ended;
      left = (await bucket.listKeys()).filter(isOfRegistry).length;
    }
    expect(killed).toBeGreaterThan(1);
    const last = await runCollector(rootDirectory, MORE, { storage });
    expect(last.exitCode, last.stderr).toBe(0);
    expect((await bucket.listKeys()).filter(isOfRegistry).length).toBe(all - going);

    const after = await startServe({ rootDirectory, storage, readOnly: true });
    try {
      await expectAllComplete(after.url, tagged);
    } finally {
      await after.stop();
    }
    const again = await runCollector(rootDirectory, ["--dry-run", ...MORE], { storage });
    expect(JSON.parse(again.stdout).eligible).toMatchObject({ blobs: 0, manifests: 0, layerLinks: 0 });
  });
});

/** Locks and what is beside the registry's files do not count. */
function isOfRegistry(key: string): boolean {
  return key.startsWith("images/docker/registry/v2/");
}
