import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifyRegistry } from "../../../src/operations/verify/verify-registry.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { type Pushed, RegistryTree } from "../../support/registry-tree.ts";
import { faultsBySeed } from "../../support/s3-server/faults.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { faultyServer, impatientDriver, newBucket, runs } from "./faulty-store.ts";

const seeds = fc.nat(2 ** 31 - 1);
const NAMES = ["a", "a/b", "c"];
const TAGS = ["v1", "v2", "v3"];

describe("readers of S3 that cannot get through", { timeout: 120_000 }, () => {
  it("never give a part of a list for the whole, nor call missing what is there", async () => {
    const { s3, bucket, image } = await soundStore();
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { url } = await serverOfTest({ driver: impatientDriver(s3, bucket, { maxRetries: 0 }) });
        s3.options.faults = faultsBySeed(seed, { probability: 0.3, maxInARow: 1000 });
        s3.options.pageLimit = (wanted) => Math.min(wanted, 1 + (seed % 5));
        const answers = await Promise.all(
          [
            ["_catalog", { repositories: NAMES }],
            ["a/b/tags/list", { name: "a/b", tags: TAGS }],
            ["a/b/manifests/v1", { schemaVersion: 2 }],
            [`a/b/manifests/${image.digest}`, { schemaVersion: 2 }],
          ].map(async ([path, expected]) => ({ answer: await fetch(`${url}/v2/${path}`), expected })),
        );
        s3.options.faults = undefined;
        for (const { answer, expected } of answers) {
          expect([200, 503], answer.url).toContain(answer.status);
          if (answer.status === 200) expect(await answer.json(), answer.url).toMatchObject(Object(expected));
        }
      }),
      runs(15),
    );
  });

  it("are told by verify what could not be looked at, and of no damage that is none", async () => {
    const { s3, bucket } = await soundStore();
    await fc.assert(
      fc.asyncProperty(seeds, fc.constantFrom(0.05, 0.3), async (seed, probability) => {
        s3.options.faults = faultsBySeed(seed, { probability, maxInARow: 1000 });
        const verified = verifyRegistry(
          { driver: impatientDriver(s3, bucket, { maxRetries: 0 }), nowMs: Date.now },
          { checksumPercent: 100, repositories: [], concurrency: 8, usesMetadataDatabase: false },
        );
        const report = await verified.catch(() => undefined);
        const failures = s3.requests
          .splice(0)
          .filter(({ fault }) => fault !== undefined && fault !== "slow-body");
        s3.options.faults = undefined;
        expect(report?.problems ?? []).toEqual([]);
        if (report !== undefined && failures.length > 0) expect(report.unchecked.length).toBeGreaterThan(0);
        expect(report?.complete ?? false).toBe(failures.length === 0);
      }),
      runs(15),
    );
  });
});

async function soundStore() {
  const s3 = await faultyServer();
  const bucket = newBucket(s3);
  const memory = new MemoryDriver();
  const tree = new RegistryTree(memory);
  let image: Pushed | undefined;
  for (const name of NAMES)
    for (const tag of TAGS)
      image = await tree.repository(name).image(`${name} ${tag}`, ["shared", tag], { tag });
  for await (const { path } of memory.walk("/"))
    s3.bucket(bucket).put(path.slice(1), Buffer.from(await memory.get(path)), Date.now());
  image = await tree.repository("a/b").image("a/b v1", ["shared", "v1"]);
  return { s3, bucket, image };
}
