import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { type Rgw, startRgw } from "../support/ceph/start-rgw.ts";
import { makeBucket } from "../support/ceph/test-bucket.ts";
import {
  journalsOf,
  readJournal,
  runCollector,
  startCollector,
  waitFor,
} from "../support/collector-process.ts";
import { expectAllComplete, pushMany } from "../support/push-many.ts";
import { pushMovingTags } from "../support/push-moving-tags.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MEBIBYTE = 1024 * 1024;
const MORE = ["--max-delete", "100%"];
const OUTAGE_MS = 2_000;

describeOnEachRgw("a bucket whose servers die and come back", (version) => {
  it("loses no image that was acknowledged, and a later collection finishes", {
    timeout: 300_000,
  }, async () => {
    // On disk: what is in memory dies with it.
    const rgw: Rgw = await startRgw(version, { objectStore: "bluestore" });
    onTestFinished(() => rgw.stop());
    const bucket = await makeBucket(rgw);
    const rootDirectory = join(await temporaryFolder(), "registry");
    const storage = bucketStorage(bucket);
    const server = await startServe({ rootDirectory, storage });
    const tagged = await pushMovingTags(server.url, { repositories: 4, images: 15 });
    try {
      for (const [round, kill] of [rgw.killGateway, rgw.killAll].entries()) {
        let outage: Promise<void> | undefined;
        const { acknowledged, failures } = await pushMany(server.url, {
          round,
          images: 16,
          layerBytes: 6 * MEBIBYTE,
          concurrency: 4,
          onAcknowledged: (count) => {
            if (count >= 4) outage ??= endAndRevive(rgw, kill);
          },
        });
        await outage;
        expect(outage).toBeDefined();
        // While nothing can be stored, clients are told to come again; nothing is taken back.
        expect(failures.filter((failure) => !/got 50[0-9]/.test(failure))).toEqual([]);
        tagged.push(...acknowledged);
        await expectAllComplete(server.url, tagged);
      }
    } finally {
      await server.stop();
    }

    const planning = await startCollector(rootDirectory, ["--dry-run", ...MORE], { storage });
    await sleep(400);
    expect(planning.isRunning()).toBe(true);
    await endAndRevive(rgw, rgw.killGateway);
    await planning.ended;
    const before = journalLines(rootDirectory);
    const run = await startCollector(rootDirectory, MORE, { storage });
    // Its first line, and that of the first batch; it must not be faster than the end of the store.
    await waitFor(run, () => journalLines(rootDirectory) >= before + 2);
    run.send("SIGSTOP");
    const killAll = async (): Promise<void> => {
      await rgw.killAll();
      run.send("SIGCONT");
    };
    await endAndRevive(rgw, killAll, () => expect(run.isRunning()).toBe(true));
    await run.ended;
    const last = await runCollector(rootDirectory, MORE, { storage });
    expect(last.exitCode, last.stderr).toBe(0);
    const again = await runCollector(rootDirectory, ["--dry-run", ...MORE], { storage });
    expect(JSON.parse(again.stdout).eligible).toMatchObject({ blobs: 0, manifests: 0, layerLinks: 0 });

    const after = await startServe({ rootDirectory, storage, readOnly: true });
    try {
      await expectAllComplete(after.url, tagged);
    } finally {
      await after.stop();
    }
  });
});

async function endAndRevive(
  rgw: Rgw,
  kill: () => Promise<void>,
  whileAway: () => void = () => undefined,
): Promise<void> {
  await kill();
  await sleep(OUTAGE_MS);
  whileAway();
  await rgw.revive();
}

function journalLines(rootDirectory: string): number {
  return journalsOf(rootDirectory).reduce((count, path) => count + readJournal(path).lines.length, 0);
}
