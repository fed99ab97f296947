import { describe, expect, it } from "vitest";
import { PathNotFoundError, StorageUnavailableError } from "../../../../src/errors.ts";
import { collect, patternBytes } from "../../../contract/cases/store-under-test.ts";
import { faultsByPlan } from "../../../support/s3-server/faults.ts";
import { openBucket } from "./driver-under-test.ts";

const SIZE_BYTES = 300_000;

describe("a stream of an object", () => {
  it("goes on where a body broke off, with the same object and from that byte", async () => {
    const faults = faultsByPlan([{ fault: "cut-body", operation: "GetObject", times: 3 }]);
    const { s3, bucket, driver } = await openBucket({ faults });
    const content = patternBytes(SIZE_BYTES);
    const { etag } = bucket.put("f", Buffer.from(content), Date.now());
    expect(Buffer.compare(await collect(await driver.read("/f")), content)).toBe(0);
    const [, ...resumed] = s3.requests;
    expect(resumed.length).toBe(3);
    for (const { headers } of resumed) {
      expect(headers["if-match"]).toBe(`"${etag}"`);
      expect(headers["range"]).toMatch(new RegExp(`^bytes=[1-9]\\d*-${SIZE_BYTES - 1}$`));
    }
  });

  it("goes on inside the range that was asked for", async () => {
    const faults = faultsByPlan([{ fault: "cut-body", operation: "GetObject" }]);
    const { s3, bucket, driver } = await openBucket({ faults });
    const content = patternBytes(SIZE_BYTES);
    bucket.put("f", Buffer.from(content), Date.now());
    const read = await collect(await driver.read("/f", { offset: 1000, lengthBytes: 200_000 }));
    expect(Buffer.compare(read, content.subarray(1000, 201_000))).toBe(0);
    expect(s3.requests.at(-1)?.headers["range"]).toMatch(/-200999$/);
  });

  it("breaks off when the object was replaced meanwhile, instead of giving a mixture", async () => {
    const faults = faultsByPlan([{ fault: "cut-body", operation: "GetObject" }]);
    const { bucket, driver } = await openBucket({ faults });
    bucket.put("f", Buffer.from(patternBytes(SIZE_BYTES, 1)), Date.now());
    const stream = await driver.read("/f");
    bucket.put("f", Buffer.from(patternBytes(SIZE_BYTES, 2)), Date.now());
    await expect(collect(stream)).rejects.toThrow("/f was replaced while it was read");
  });

  it("gives up, with an error of ours, when bodies break off time after time without a byte", async () => {
    const { s3, bucket, driver } = await openBucket({
      faults: ({ operation }) => (operation === "GetObject" ? "cut-body" : undefined),
    });
    // Of one byte, half is none.
    bucket.put("f", Buffer.from("x"), Date.now());
    const reading = async () => collect(await driver.read("/f"));
    await expect(reading()).rejects.toThrow(StorageUnavailableError);
    expect(s3.requests.length).toBeGreaterThan(3);
  });

  it("does not ask for more than it is read, and lets go when it is left", async () => {
    const { s3, bucket, driver } = await openBucket();
    bucket.put("f", Buffer.alloc(32 * 1024 * 1024), Date.now());
    const stream = await driver.read("/f");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stream.readableLength).toBeLessThan(4 * 1024 * 1024);
    stream.destroy();
    await driver.get("/f", 10 ** 9);
    expect(s3.requests.length).toBe(2);
  });
});

describe("looking at a path", () => {
  it("finds a folder behind pages without a key", async () => {
    let asked = 0;
    const { bucket, driver } = await openBucket({ pageLimit: (wanted) => (++asked % 3 === 0 ? wanted : 0) });
    bucket.put("folder/f", Buffer.from("x"), Date.now());
    expect(await driver.stat("/folder")).toMatchObject({ isFolder: true });
    await expect(driver.stat("/folde")).rejects.toThrow(PathNotFoundError);
  });
});

describe("getting a small object", () => {
  it("takes one request, whether it is too large, empty or as long as allowed", async () => {
    const { s3, bucket, driver } = await openBucket();
    for (const [key, sizeBytes] of Object.entries({ empty: 0, fits: 10, large: 11 })) {
      bucket.put(key, Buffer.alloc(sizeBytes), Date.now());
    }
    expect((await driver.get("/empty", 10)).length).toBe(0);
    expect((await driver.get("/fits", 10)).length).toBe(10);
    await expect(driver.get("/large", 10)).rejects.toThrow("has 11 bytes, at most 10 were expected");
    expect(s3.requests.length).toBe(3);
  });
});
