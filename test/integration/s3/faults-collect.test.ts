import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect, TEST_HOLDER } from "../../support/collect.ts";
import { filesToKeep } from "../../support/needed-oracle.ts";
import { buildRandomTree, type PushStep, pushSteps } from "../../support/random-tree.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { type Faults, faultsBySeed } from "../../support/s3-server/faults.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { faultyServer, filesIn, impatientDriver, newBucket, runs } from "./faulty-store.ts";

const STORE = "/docker/registry/v2/";
const seeds = fc.nat(2 ** 31 - 1);

describe("a collection on S3 while answers go wrong", { timeout: 120_000 }, () => {
  it("removes exactly the garbage, as long as every fault passes", async () => {
    const s3 = await faultyServer();
    await fc.assert(
      fc.asyncProperty(pushSteps, fc.boolean(), seeds, async (steps, deleteUntagged, seed) => {
        const { bucket, keep } = await fill(s3, steps, deleteUntagged);
        s3.options.faults = faultsBySeed(seed, { probability: 0.2 });
        const report = await collect(impatientDriver(s3, bucket), { deleteUntagged });
        s3.options.faults = undefined;
        // A key that fails by itself may be left to the next run.
        if (report.failed.length > 0) await collect(impatientDriver(s3, bucket), { deleteUntagged });
        expect(filesOf(s3, bucket)).toEqual(keep);
      }),
      runs(10),
    );
  });

  it("loses nothing where it has to give up, and the next run finishes", async () => {
    const s3 = await faultyServer();
    await fc.assert(
      fc.asyncProperty(pushSteps, seeds, async (steps, seed) => {
        const { bucket, keep } = await fill(s3, steps, true);
        s3.options.faults = faultsBySeed(seed, { probability: 0.3, maxInARow: 1000 });
        await collect(impatientDriver(s3, bucket, { maxRetries: 1 }), { deleteUntagged: true }).catch(
          () => undefined,
        );
        s3.options.faults = undefined;
        expect(filesOf(s3, bucket)).toEqual(expect.arrayContaining(keep));
        await finish(s3, bucket);
        expect(filesOf(s3, bucket)).toEqual(keep);
      }),
      runs(10),
    );
  });

  it("loses nothing if it dies before any of its requests, and the next run finishes", async () => {
    const s3 = await faultyServer();
    const steps: PushStep[] = (["image", "image", "index", "orphan"] as const).map((kind, number) => ({
      ...{ kind, repository: number % 2, picks: [0, number], tag: number === 1 ? 0 : undefined },
    }));
    for (let requests = 0, isOver = false; !isOver; requests++) {
      const { bucket, keep } = await fill(s3, steps, true);
      let left = requests;
      const faults: Faults = () => (left-- > 0 ? undefined : "reset-before");
      s3.options.faults = faults;
      await collect(impatientDriver(s3, bucket, { maxRetries: 0 }), { deleteUntagged: true }).catch(
        () => undefined,
      );
      isOver = left >= 0;
      s3.options.faults = undefined;
      expect(filesOf(s3, bucket), `died before request ${requests}`).toEqual(expect.arrayContaining(keep));
      await finish(s3, bucket);
      expect(filesOf(s3, bucket), `finished after ${requests}`).toEqual(keep);
    }
  });
});

/** The holder of whatever lock was left is gone. */
async function finish(s3: S3Server, bucket: string): Promise<void> {
  const holder = { ...TEST_HOLDER, pid: TEST_HOLDER.pid + 1, isAlive: () => false };
  await collect(impatientDriver(s3, bucket), { deleteUntagged: true }, { holder });
}

async function fill(s3: S3Server, steps: readonly PushStep[], deleteUntagged: boolean) {
  const bucket = newBucket(s3);
  const memory = new MemoryDriver();
  await buildRandomTree(new RegistryTree(memory), steps);
  for await (const { path } of memory.walk("/"))
    s3.bucket(bucket).put(path.slice(1), Buffer.from(await memory.get(path)), Date.now());
  return { bucket, keep: [...(await filesToKeep(memory, deleteUntagged))].sort() };
}

function filesOf(s3: S3Server, bucket: string): string[] {
  return [...filesIn(s3, bucket).keys()].filter((path) => path.startsWith(STORE)).sort();
}
