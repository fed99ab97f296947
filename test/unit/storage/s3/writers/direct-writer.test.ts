import { describe, expect, it } from "vitest";
import { CancelledError, StorageFullError, StorageUnavailableError } from "../../../../../src/errors.ts";
import { PartBudget } from "../../../../../src/storage/s3/writers/part-budget.ts";
import { patternBytes } from "../../../../contract/cases/store-under-test.ts";
import { faultsByPlan } from "../../../../support/s3-server/faults.ts";
import { MIB, type WriterStore, writeAll, writerStore } from "./writer-store.ts";

const PATH = "/blobs/data";
const KEY = "blobs/data";
const content = Buffer.from(patternBytes(23 * MIB + 99));

function expectNothing(on: WriterStore): void {
  expect(on.keys()).toEqual([]);
  expect(on.uploads()).toEqual([]);
  expect(on.budget.usedBytes).toBe(0);
}

describe("a file that is written to its place", () => {
  it.each([0, 1, 5 * MIB - 1])("of %i bytes is one request", async (sizeBytes) => {
    for (const expectedBytes of [undefined, sizeBytes]) {
      const on = await writerStore();
      const writer = await on.open(PATH, { expectedBytes });
      await writeAll(writer, content.subarray(0, sizeBytes));
      expect(writer.sizeBytes).toBe(sizeBytes);
      await writer.commit();
      expect(on.requests()).toEqual([`PutObject ${KEY}`]);
      expect(on.body(KEY)?.equals(content.subarray(0, sizeBytes))).toBe(true);
      expect(on.budget.usedBytes).toBe(0);
    }
  });

  it("is visible only when all parts are there", async () => {
    const on = await writerStore();
    const writer = await on.open(PATH);
    await writeAll(writer, content);
    expect(on.keys()).toEqual([]);
    await writer.commit();
    expect(on.body(KEY)?.equals(content)).toBe(true);
    expect(on.uploads()).toEqual([]);
    expect(on.budget.usedBytes).toBe(0);
  });

  it("has parts without a signature over their bytes where a checksum goes with them", async () => {
    const on = await writerStore();
    const writer = await on.open(PATH);
    await writeAll(writer, content);
    await writer.commit();
    const parts = on.s3.requests.filter(({ operation }) => operation === "UploadPart");
    expect(parts).toHaveLength(5);
    for (const { headers } of parts) {
      expect(headers["x-amz-content-sha256"]).toBe("UNSIGNED-PAYLOAD");
      expect(headers["x-amz-checksum-crc32"]).toBeDefined();
    }
  });

  it("has several parts under way at once", async () => {
    const on = await writerStore({ latencyMs: 20 });
    const writer = await on.open(PATH, { expectedBytes: content.length });
    await writeAll(writer, content);
    await writer.commit();
    expect(on.s3.peaks.get("UploadPart")).toBeGreaterThan(1);
    expect(on.s3.peaks.get("UploadPart")).toBeLessThanOrEqual(3);
    expect(on.body(KEY)?.equals(content)).toBe(true);
  });

  it.each([1000, 6 * MIB, 40 * MIB])("is right if %i bytes were expected wrongly", async (expectedBytes) => {
    const on = await writerStore();
    const writer = await on.open(PATH, { expectedBytes });
    await writeAll(writer, content);
    await writer.commit();
    expect(on.body(KEY)?.equals(content)).toBe(true);
  });

  it("is cut into larger parts where its size asks for them", async () => {
    const on = await writerStore();
    const writer = await on.open(PATH, { expectedBytes: 9_000 * 8 * MIB });
    await writeAll(writer, content);
    await writer.commit();
    expect(on.requests().filter((request) => request.startsWith("UploadPart"))).toHaveLength(3);
  });

  it("is refused when there is no part number left", async () => {
    const on = await writerStore();
    const writer = await on.open(PATH, {}, { maxParts: 2 });
    await expect(writeAll(writer, content)).rejects.toThrow(StorageFullError);
    await writer.cancel();
    expectNothing(on);
  });
});

describe("ending otherwise", () => {
  it.each(["cancel", "close"] as const)("by %s leaves nothing", async (end) => {
    for (const sizeBytes of [0, 100, content.length]) {
      const on = await writerStore();
      const writer = await on.open(PATH);
      await writeAll(writer, content.subarray(0, sizeBytes));
      await writer[end]();
      await writer.commit();
      expectNothing(on);
    }
  });

  it("leaves the uploads of others to the same place alone", async () => {
    const on = await writerStore();
    const [one, other] = [await on.open(PATH), await on.open(PATH)];
    await Promise.all([writeAll(one, content), writeAll(other, content)]);
    await one.cancel();
    await other.commit();
    expect(on.body(KEY)?.equals(content)).toBe(true);
    expect(on.uploads()).toEqual([]);
  });

  it("by a part that cannot be stored tells why, and leaves nothing", async () => {
    const on = await writerStore({
      faults: faultsByPlan([{ fault: "slow-down", operation: "UploadPart", times: 100 }]),
    });
    const writer = await on.open(PATH);
    await expect(
      (async () => {
        await writeAll(writer, content);
        await writer.commit();
      })(),
    ).rejects.toThrow(/SlowDown/);
    await writer.cancel();
    expectNothing(on);
  });

  it("by an abort leaves nothing", async () => {
    const on = await writerStore();
    const abort = new AbortController();
    const writer = await on.open(PATH, { signal: abort.signal });
    await writeAll(writer, content);
    abort.abort();
    await expect(writer.write(content)).rejects.toThrow(CancelledError);
    await expect(writer.commit()).rejects.toThrow(CancelledError);
    await writer.cancel();
    expectNothing(on);
  });
});

describe("finishing", () => {
  it.each(["reset-after", "cut-body", "error-in-200"] as const)("goes through %s", async (fault) => {
    const on = await writerStore({ faults: faultsByPlan([{ fault, operation: "CompleteMultipartUpload" }]) });
    const writer = await on.open(PATH);
    await writeAll(writer, content);
    await writer.commit();
    expect(on.body(KEY)?.equals(content)).toBe(true);
    expect(on.uploads()).toEqual([]);
  });

  it("does not take another file for its own", async () => {
    const on = await writerStore();
    on.s3.bucket("registry").put(KEY, content.subarray(1), Date.now());
    const writer = await on.open(PATH);
    await writeAll(writer, content);
    on.s3.options.policy = ({ operation }) => {
      if (operation === "CompleteMultipartUpload") on.s3.uploads("registry").clear();
      return undefined;
    };
    await expect(writer.commit()).rejects.toThrow(StorageUnavailableError);
    await writer.cancel();
  });
});

describe("memory that others wait for", () => {
  it("is given up by what is large enough for a part", async () => {
    let now = 0;
    const budget = new PartBudget(10 * MIB, () => now);
    const on = await writerStore({}, { chunkBytes: 10 * MIB });
    const slow = await on.open(PATH, {}, { budget });
    await writeAll(slow, content.subarray(0, 6 * MIB));
    const other = await on.open("/other", {}, { budget });
    const written = other.write(content.subarray(0, 10));
    now = 3000;
    await budget.askHolders();
    await written;
    await other.commit();
    await writeAll(slow, content.subarray(6 * MIB));
    await slow.commit();
    expect(on.body(KEY)?.equals(content)).toBe(true);
    expect(budget.usedBytes).toBe(0);
  });

  it("is given up by less too, which is kept in as little as it needs", async () => {
    let now = 0;
    const budget = new PartBudget(10 * MIB, () => now);
    const on = await writerStore({}, { chunkBytes: 10 * MIB });
    const writers = [];
    for (const name of ["a", "b", "c"]) {
      const writer = await on.open(`/${name}`, {}, { budget });
      const written = writer.write(Buffer.from(name));
      now += 3000;
      await budget.askHolders();
      await written;
      writers.push(writer);
    }
    await writers[2]?.write(Buffer.from("!"));
    await writers[2]?.commit();
    await writers[0]?.commit();
    const rest = writers[1]?.write(content);
    await rest;
    await writers[1]?.commit();
    expect(on.body("a")?.toString()).toBe("a");
    expect(on.body("b")?.equals(Buffer.concat([Buffer.from("b"), content]))).toBe(true);
    expect(on.body("c")?.toString()).toBe("c!");
    expect(budget.usedBytes).toBe(0);
  });

  it("is taken from those who keep too much of it", async () => {
    let now = 0;
    const budget = new PartBudget(10 * MIB, () => now);
    const on = await writerStore({}, { chunkBytes: 10 * MIB });
    const writers = [];
    for (let number = 0; number < 9; number++) {
      const writer = await on.open(`/${number}`, {}, { budget });
      const written = writer.write(content.subarray(0, 4 * MIB));
      now += 3000;
      await budget.askHolders();
      await written;
      writers.push(writer);
    }
    const last = await on.open("/last", {}, { budget });
    const written = last.write(Buffer.from("x"));
    now += 3000;
    await budget.askHolders();
    await written;
    await last.commit();
    await expect(writers[8]?.commit()).rejects.toMatchObject({
      message: expect.stringContaining("too many slow uploads"),
      hint: expect.stringContaining("push again later"),
    });
    await Promise.all(writers.map((writer) => writer.cancel()));
    expect(on.keys()).toEqual(["last"]);
    expect(budget.usedBytes).toBe(0);
  });
});
