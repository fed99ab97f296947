import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { collect, patternBytes } from "../../contract/cases/store-under-test.ts";
import { type FaultKind, faultsByPlan, faultsBySeed } from "../../support/s3-server/faults.ts";
import type { Operation } from "../../support/s3-server/request.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { faultyServer, filesIn, hastyDriver, impatientDriver, newBucket, runs } from "./faulty-store.ts";
import { FIRST_FILES, type Files, ModelledStore, storeSteps } from "./modelled-store.ts";

/** An object beside one that is to be created only once. */
const TRIAL = /\/registry-ctl\.trial-[0-9a-f-]+$/;

const seeds = fc.nat(2 ** 31 - 1);

describe("the S3 driver while answers go wrong", { timeout: 120_000 }, () => {
  it("does exactly what it is asked, as long as every fault passes", async () => {
    const s3 = await faultyServer();
    await fc.assert(
      fc.asyncProperty(storeSteps, seeds, async (steps, seed) => {
        const bucket = bucketWith(s3, FIRST_FILES);
        s3.options.faults = faultsBySeed(seed, { probability: 0.3 });
        s3.options.pageLimit = (wanted) => Math.min(wanted, 1 + (seed % 3));
        const store = new ModelledStore(impatientDriver(s3, bucket), () => filesIn(s3, bucket));
        for (const step of steps) await store.step(step, false);
        expect(s3.uploads(bucket).size).toBe(0);
      }),
      runs(20),
    );
  });

  it("loses nothing and leaves nothing in halves where it has to give up", async () => {
    const s3 = await faultyServer();
    await fc.assert(
      fc.asyncProperty(storeSteps, seeds, async (steps, seed) => {
        const bucket = bucketWith(s3, FIRST_FILES);
        s3.options.faults = faultsBySeed(seed, { probability: 0.5, maxInARow: 1000 });
        const driver = impatientDriver(s3, bucket, { maxRetries: 1 });
        const store = new ModelledStore(driver, () => {
          // What tells whether conditions are honoured may be left behind when the store is away.
          for (const key of s3.objects(bucket).keys()) if (TRIAL.test(key)) s3.objects(bucket).delete(key);
          return filesIn(s3, bucket);
        });
        for (const step of steps) await store.step(step, true);
      }),
      runs(20),
    );
  });

  it.each<[FaultKind, Operation]>([
    ["reset-after", "CopyObject"],
    ["truncated-xml", "CopyObject"],
    ["error-in-200", "CopyObject"],
    ["reset-after", "DeleteObject"],
    ["slow-down", "DeleteObject"],
  ])("moves a file over %s of %s", async (fault, operation) => {
    const s3 = await faultyServer({ faults: faultsByPlan([{ fault, operation, times: 2 }]) });
    const driver = impatientDriver(s3, "registry");
    s3.bucket("registry").put("a", Buffer.from("content"), 0);
    await driver.move("/a", "/b");
    expect(describeFiles(filesIn(s3, "registry"))).toEqual([["/b", "content"]]);
  });

  it("leaves a file where it is that cannot be copied", async () => {
    const s3 = await faultyServer({
      faults: faultsByPlan([{ fault: "error-in-200", operation: "CopyObject", times: 1000 }]),
    });
    s3.bucket("registry").put("a", Buffer.from("content"), 0);
    const moved = impatientDriver(s3, "registry", { maxRetries: 1 }).move("/a", "/b");
    await expect(moved).rejects.toBeInstanceOf(StorageUnavailableError);
    expect(describeFiles(filesIn(s3, "registry"))).toEqual([["/a", "content"]]);
  });

  it.each<FaultKind>([
    ...(["slow-down", "reset-before", "reset-after", "cut-body"] as const),
    ...(["truncated-xml", "error-in-200", "failing-keys"] as const),
  ])("removes many files over %s", async (fault) => {
    const s3 = await faultyServer({
      faults: faultsByPlan([{ fault, operation: "DeleteObjects", times: 2 }]),
    });
    for (const key of ["a", "b", "c", "d"]) s3.bucket("registry").put(key, Buffer.from("x"), 0);
    expect(await impatientDriver(s3, "registry").deleteMany(["/a", "/b", "/c"])).toEqual([]);
    expect([...s3.objects("registry").keys()]).toEqual(["d"]);
    expect(s3.count("DeleteObjects")).toBe(3);
  });

  it.each<[FaultKind, Operation]>([
    ["reset-after", "UploadPartCopy"],
    ["error-in-200", "UploadPartCopy"],
    ["slow-down", "UploadPartCopy"],
    ["reset-after", "CreateMultipartUpload"],
    ["truncated-xml", "CreateMultipartUpload"],
    ["reset-after", "CompleteMultipartUpload"],
    ["truncated-xml", "CompleteMultipartUpload"],
    ["error-in-200", "CompleteMultipartUpload"],
  ])("moves a large file in parts over %s of %s", async (fault, operation) => {
    const s3 = await faultyServer({ faults: faultsByPlan([{ fault, operation }]) });
    const copy = { chunkBytes: 5 * 1024 * 1024, concurrency: 4, thresholdBytes: 6 * 1024 * 1024 };
    const driver = impatientDriver(s3, "registry", { copy });
    const content = Buffer.from(patternBytes(13 * 1024 * 1024 + 1));
    s3.bucket("registry").put("a", content, 0);
    await driver.move("/a", "/b");
    expect([...filesIn(s3, "registry").keys()]).toEqual(["/b"]);
    expect(s3.objects("registry").get("b")?.body.equals(content)).toBe(true);
  });

  it("goes on reading where a body broke off", async () => {
    const s3 = await faultyServer({
      faults: faultsByPlan([{ fault: "cut-body", operation: "GetObject", times: 3 }]),
    });
    const content = Buffer.from(patternBytes(1_000_000));
    s3.bucket("registry").put("a", content, 0);
    const driver = impatientDriver(s3, "registry");
    expect((await collect(await driver.read("/a"))).equals(content)).toBe(true);
    expect(s3.requests.map(({ headers }) => headers["range"])).toEqual(
      [undefined, "bytes=500000-999999", "bytes=750000-999999", "bytes=875000-999999"].map(
        (range) => range && expect.stringMatching(range.replace(/-\d+$/, "-")),
      ),
    );
  });

  it.each<Operation>(["PutObject", "GetObject", "ListObjectsV2", "DeleteObjects"])(
    "asks again where no answer comes to %s",
    async (operation) => {
      const s3 = await faultyServer({ faults: faultsByPlan([{ fault: "stalled", operation }]) });
      const driver = hastyDriver(s3, "registry");
      await driver.put("/a", Buffer.from("content"));
      expect(Buffer.from(await driver.get("/a")).toString()).toBe("content");
      expect((await driver.list("/")).map(({ path }) => path)).toEqual(["/a"]);
      expect(await driver.deleteMany(["/a"])).toEqual([]);
      expect(s3.objects("registry").size).toBe(0);
      expect(s3.count(operation)).toBe(2);
    },
  );

  it("never gives the second half of another file", async () => {
    const s3 = await faultyServer({
      faults: faultsByPlan([{ fault: "cut-body", operation: "GetObject" }]),
    });
    s3.bucket("registry").put("a", Buffer.alloc(1_000_000, "old"), 0);
    const stream = await impatientDriver(s3, "registry").read("/a");
    s3.bucket("registry").put("a", Buffer.alloc(1_000_000, "new"), 0);
    await expect(collect(stream)).rejects.toBeInstanceOf(StorageUnavailableError);
  });

  it("lists everything though pages are short, empty or cut off", async () => {
    const s3 = await faultyServer({ pageLimit: (wanted) => (wanted > 10 ? 7 : wanted) });
    const keys = Array.from({ length: 400 }, (_, index) => `x/${String(index).padStart(3, "0")}/data`);
    for (const key of keys) s3.bucket("registry").put(key, Buffer.from("x"), 0);
    let page = 0;
    s3.options.pageLimit = () => [0, 7, 1, 30][page++ % 4] ?? 0;
    s3.options.faults = faultsBySeed(1, {
      probability: 0.3,
      kinds: ["truncated-xml", "cut-body", "slow-down", "reset-after"],
    });
    const found: string[] = [];
    for await (const batch of impatientDriver(s3, "registry").scan("/", ({ error }) => {
      throw error;
    }))
      found.push(...batch.map(({ path }) => path.slice(1)));
    expect(found).toEqual(keys);
  });

  it("tells of each key that a bulk delete could not remove, and of no other", async () => {
    const s3 = await faultyServer({
      faults: faultsByPlan([{ fault: "failing-keys", operation: "DeleteObjects", times: 1000 }]),
    });
    const keys = Array.from({ length: 1500 }, (_, index) => `k/${index}`);
    for (const key of keys) s3.bucket("registry").put(key, Buffer.from("x"), 0);
    const failures = await impatientDriver(s3, "registry").deleteMany(keys.map((key) => `/${key}`));
    expect(failures.map(({ path }) => path.slice(1)).sort()).toEqual(
      [...s3.objects("registry").keys()].sort(),
    );
    expect(failures.length).toBeGreaterThan(0);
  });
});

function bucketWith(s3: S3Server, files: Files): string {
  const bucket = newBucket(s3);
  for (const [path, content] of files) s3.bucket(bucket).put(path.slice(1), content, 0);
  return bucket;
}

function describeFiles(files: Map<string, Buffer>): [string, string][] {
  return [...files].map(([path, content]) => [path, content.toString()]);
}
