import { describe, expect, it } from "vitest";
import { CancelledError, RegistryCtlError, StorageUnavailableError } from "../../../../../src/errors.ts";
import { PartBudget } from "../../../../../src/storage/s3/writers/part-budget.ts";
import { readUnfinished } from "../../../../../src/storage/s3/writers/read-unfinished.ts";
import { unfinishedBytes } from "../../../../../src/storage/s3/writers/unfinished.ts";
import { patternBytes } from "../../../../contract/cases/store-under-test.ts";
import { faultsByPlan } from "../../../../support/s3-server/faults.ts";
import { MIB, type WriterStore, writeAll, writerStore } from "./writer-store.ts";

const PATH = "/up/data";
const KEY = "up/data";
const content = Buffer.from(patternBytes(18 * MIB + 12_345));

/** Appends from where the store says, and leaves it. */
async function append(on: WriterStore, toBytes: number, bytes: Buffer = content): Promise<void> {
  const writer = await on.open(PATH, { append: true });
  await writeAll(writer, bytes.subarray(writer.sizeBytes, toBytes));
  expect(writer.sizeBytes).toBe(toBytes);
  await writer.close();
}

async function commit(on: WriterStore): Promise<void> {
  await (await on.open(PATH, { append: true })).commit();
}

function expectWhole(on: WriterStore, sizeBytes: number = content.length): void {
  expect(on.body(KEY)?.equals(content.subarray(0, sizeBytes))).toBe(true);
  expect(on.keys()).toEqual([KEY]);
  expect(on.uploads()).toEqual([]);
  expect(on.budget.usedBytes).toBe(0);
}

describe("what a writer leaves", () => {
  it("is parts, and a tail for what is too little for one", async () => {
    const on = await writerStore();
    await append(on, 12 * MIB);
    expect(on.keys()).toEqual([`up/tail/${10 * MIB}`]);
    expect([...(on.uploads()[0]?.parts.values() ?? [])].map(({ body }) => body.length)).toEqual([
      5 * MIB,
      5 * MIB,
    ]);
    expect(await unfinishedBytes(on.store, PATH)).toBe(12 * MIB);
    expect(on.budget.usedBytes).toBe(0);
  });

  it("is only a tail below the size of a part, and nothing for no bytes", async () => {
    const on = await writerStore();
    await append(on, 0);
    expect(await unfinishedBytes(on.store, PATH)).toBeUndefined();
    await append(on, 100);
    expect(on.keys()).toEqual(["up/tail/0"]);
    expect(on.uploads()).toEqual([]);
  });

  it("is gone on with by others, whatever pieces it comes in", async () => {
    const on = await writerStore();
    for (const end of [1, 3, 2 * MIB, 5 * MIB, 5 * MIB + 1, 11 * MIB, content.length]) await append(on, end);
    await commit(on);
    expectWhole(on);
  });

  it("is one tail even if it came in a thousand pieces", async () => {
    const on = await writerStore();
    for (let end = 100; end <= 4000; end += 100) await append(on, end);
    expect(on.keys().length).toBeLessThanOrEqual(17);
    expect(await unfinishedBytes(on.store, PATH)).toBe(4000);
    await append(on, 6 * MIB);
    expect(on.keys()).toEqual([`up/tail/${5 * MIB}`]);
    await commit(on);
    expectWhole(on, 6 * MIB);
  });

  it("keeps the size of its parts when chunksize changes", async () => {
    const on = await writerStore({}, { chunkBytes: 6 * MIB });
    await append(on, 8 * MIB);
    const changed = {
      ...on,
      store: { ...on.store, settings: { ...on.store.settings, chunkBytes: 9 * MIB } },
    };
    await append(changed, 13 * MIB);
    expect([...(on.uploads()[0]?.parts.values() ?? [])].map(({ body }) => body.length)).toEqual([
      6 * MIB,
      6 * MIB,
    ]);
    await append(changed, content.length);
    await commit(changed);
    expectWhole(on);
  });

  it("keeps a tail that is larger than a part has become", async () => {
    const large = await writerStore({}, { chunkBytes: 12 * MIB });
    await append(large, 11 * MIB);
    const settings = { ...large.store.settings, chunkBytes: 5 * MIB };
    const on = { ...large, store: { ...large.store, settings } };
    await append(on, content.length);
    await commit(on);
    expectWhole(on);
  });

  it("is beside the file where that is not named data", async () => {
    const on = await writerStore();
    const writer = await on.open("/f", { append: true });
    await writer.write(Buffer.from("abc"));
    await writer.close();
    expect(on.keys()).toEqual(["f.tail/0"]);
    const again = await on.open("/f", { append: true });
    expect(again.sizeBytes).toBe(3);
    await again.commit();
    expect(on.keys()).toEqual(["f"]);
    expect(on.body("f")?.toString()).toBe("abc");
  });
});

describe("what somebody who died has left", () => {
  it("counts as far as it is without a gap", async () => {
    const on = await writerStore();
    await append(on, 12 * MIB);
    const upload = on.uploads()[0];
    const second = upload?.parts.get(2);
    if (upload === undefined || second === undefined) throw new Error("there are two parts");
    upload.parts.delete(2);
    upload.parts.set(3, second);
    expect(await unfinishedBytes(on.store, PATH)).toBe(5 * MIB);
    await append(on, 6 * MIB);
    expect(on.keys()).toEqual([`up/tail/${5 * MIB}`]);
  });

  it("is cleared away before it could come to count", async () => {
    const on = await writerStore();
    const bucket = on.s3.bucket("registry");
    bucket.put("up/tail/5242880", Buffer.from("left by another content"), Date.now());
    await append(on, 5 * MIB);
    expect(await unfinishedBytes(on.store, PATH)).toBe(5 * MIB);
    await commit(on);
    expectWhole(on, 5 * MIB);
  });

  it("does not stay in an upload: stores complete one only with all its parts", async () => {
    const on = await writerStore();
    await append(on, 10 * MIB);
    const upload = on.uploads()[0];
    const body = Buffer.alloc(100);
    upload?.parts.set(3, { body, etag: "0123456789abcdef0123456789abcdef", modifiedMs: Date.now() });
    expect(await unfinishedBytes(on.store, PATH)).toBe(10 * MIB);
    await commit(on);
    expect(on.requests().filter((request) => request.startsWith("UploadPart"))).toEqual([
      "UploadPart up/data 1",
      "UploadPart up/data 2",
      "UploadPart up/data 3",
    ]);
    expectWhole(on, 10 * MIB);
  });

  it("and arrives while another finishes is replaced, or finishing fails", async () => {
    for (const number of [3, 2]) {
      const on = await writerStore();
      await append(on, 12 * MIB);
      let isLate = false;
      on.s3.options.policy = ({ operation }) => {
        const upload = on.uploads()[0];
        if (operation !== "CompleteMultipartUpload" || isLate) return undefined;
        isLate = true;
        upload?.parts.set(number, { body: Buffer.alloc(6 * MIB), etag: "00", modifiedMs: 0 });
        return undefined;
      };
      if (number === 3) {
        await commit(on);
        expectWhole(on, 12 * MIB);
      } else {
        await expect(commit(on)).rejects.toThrow(RegistryCtlError);
        expect(on.body(KEY)).toBeUndefined();
      }
    }
  });

  it("with the wrong size for its number does not count", async () => {
    const on = await writerStore();
    await append(on, 10 * MIB);
    const part = on.uploads()[0]?.parts.get(2);
    if (part === undefined) throw new Error("there are two parts");
    part.body = part.body.subarray(0, 5 * MIB - 1);
    expect(await unfinishedBytes(on.store, PATH)).toBe(5 * MIB);
  });

  it("is found in the better of two uploads, and both are gone in the end", async () => {
    const on = await writerStore({
      faults: faultsByPlan([{ fault: "reset-after", operation: "CreateMultipartUpload" }]),
    });
    await append(on, 6 * MIB);
    expect(on.uploads()).toHaveLength(2);
    expect(await unfinishedBytes(on.store, PATH)).toBe(6 * MIB);
    await commit(on);
    expectWhole(on, 6 * MIB);
  });

  it("twice by one writer is gone too when that one finishes", async () => {
    const on = await writerStore({
      faults: faultsByPlan([{ fault: "reset-after", operation: "CreateMultipartUpload" }]),
    });
    const writer = await on.open(PATH, { append: true });
    await writeAll(writer, content);
    await writer.commit();
    expectWhole(on);
  });
});

describe("finishing", () => {
  it("that loses its answer is found to be done", async () => {
    const on = await writerStore({
      faults: faultsByPlan([{ fault: "reset-after", operation: "CompleteMultipartUpload" }]),
    });
    const writer = await on.open(PATH, { append: true });
    await writeAll(writer, content);
    await writer.commit();
    expectWhole(on);
  });

  it("fails if the upload is gone and there is no such object", async () => {
    const on = await writerStore();
    await append(on, 12 * MIB);
    const writer = await on.open(PATH, { append: true });
    on.s3.uploads("registry").clear();
    on.s3.bucket("registry").put(KEY, Buffer.alloc(11 * MIB), Date.now());
    await expect(writer.commit()).rejects.toThrow();
    await writer.close();
  });

  it("that fails keeps what came with it", async () => {
    const on = await writerStore({
      faults: faultsByPlan([{ fault: "internal-error", operation: "CompleteMultipartUpload", times: 4 }]),
    });
    const writer = await on.open(PATH, { append: true });
    await writeAll(writer, content);
    await expect(writer.commit()).rejects.toThrow(StorageUnavailableError);
    await writer.close();
    expect(await unfinishedBytes(on.store, PATH)).toBe(content.length);
    await commit(on);
    expectWhole(on);
  });

  it("again what is finished already changes nothing", async () => {
    const on = await writerStore();
    await append(on, content.length);
    await commit(on);
    const etag = on.s3.objects("registry").get(KEY)?.etag;
    await commit(on);
    expect(on.s3.objects("registry").get(KEY)?.etag).toBe(etag);
  });

  it("gives few bytes away instead, the same as often as it is asked", async () => {
    const on = await writerStore();
    await append(on, 100);
    const writer = await on.open(PATH, { append: true });
    await writer.write(content.subarray(100, 250));
    for (let time = 0; time < 2; time++) {
      expect(Buffer.from((await writer.wholeContent?.()) ?? []).equals(content.subarray(0, 250))).toBe(true);
    }
    await writer.cancel();
    expect(on.keys()).toEqual([]);
    await append(on, 6 * MIB);
    expect(await (await on.open(PATH, { append: true })).wholeContent?.()).toBeUndefined();
  });
});

describe("going on with a file", () => {
  it.each([100, 7 * MIB])("of %i bytes that is there already", async (sizeBytes) => {
    const on = await writerStore();
    on.s3.bucket("registry").put(KEY, content.subarray(0, sizeBytes), Date.now());
    expect(await unfinishedBytes(on.store, PATH)).toBe(sizeBytes);
    await append(on, sizeBytes + 1000);
    expect(await unfinishedBytes(on.store, PATH)).toBe(sizeBytes + 1000);
    await append(on, content.length);
    expect(await unfinishedBytes(on.store, PATH)).toBe(content.length);
    await commit(on);
    expectWhole(on);
  });

  it("that has no part number left makes it an object and copies it", async () => {
    const on = await writerStore();
    const large = Buffer.from(patternBytes(90 * MIB));
    for (const end of [12 * MIB, 40 * MIB, large.length]) {
      const writer = await on.open(PATH, { append: true }, { maxParts: 3 });
      await writeAll(writer, large.subarray(writer.sizeBytes, end), 1_000_003);
      await writer.close();
      expect(await unfinishedBytes(on.store, PATH)).toBe(end);
    }
    await (await on.open(PATH, { append: true }, { maxParts: 3 })).commit();
    expect(on.body(KEY)?.equals(large)).toBe(true);
    expect(on.requests().filter((request) => request.startsWith("UploadPartCopy")).length).toBeGreaterThan(1);
    expect(on.keys()).toEqual([KEY]);
    expect(on.uploads()).toEqual([]);
  });
});

describe("a writer", () => {
  it("changes nothing before its first byte", async () => {
    const on = await writerStore();
    await append(on, 12 * MIB);
    on.s3.requests.length = 0;
    await (await on.open(PATH, { append: true })).close();
    expect(on.requests()).toEqual(["ListObjectsV2", "ListMultipartUploads", "ListParts up/data"]);
  });

  it("removes everything at cancel, the file itself included", async () => {
    const on = await writerStore();
    on.s3.bucket("registry").put(KEY, content.subarray(0, 7 * MIB), Date.now());
    on.s3.bucket("registry").put("up/startedat", Buffer.from("x"), Date.now());
    await append(on, 9 * MIB);
    await append(on, 26 * MIB, Buffer.concat([content, content]));
    await (await on.open(PATH, { append: true })).cancel();
    expect(on.keys()).toEqual(["up/startedat"]);
    expect(on.uploads()).toEqual([]);
  });

  it("tells of a part that could not be stored, and the next one goes on before it", async () => {
    const on = await writerStore({
      faults: faultsByPlan([{ fault: "slow-down", operation: "UploadPart", after: 1, times: 4 }]),
    });
    const writer = await on.open(PATH, { append: true });
    await expect(
      (async () => {
        await writeAll(writer, content);
        await writer.close();
      })(),
    ).rejects.toThrow(StorageUnavailableError);
    await writer.close().catch(() => undefined);
    expect(on.budget.usedBytes).toBe(0);
    expect(await unfinishedBytes(on.store, PATH)).toBe(5 * MIB);
    await append(on, content.length);
    await commit(on);
    expectWhole(on);
  });

  it("goes through what passes by itself", async () => {
    const kinds = ["slow-down", "reset-before", "reset-after", "internal-error"] as const;
    const faults = faultsByPlan(
      kinds.flatMap((fault, index) => [
        { fault, operation: "UploadPart" as const, after: index },
        { fault, operation: "PutObject" as const },
        { fault, operation: "GetObject" as const },
        { fault, operation: "DeleteObject" as const },
      ]),
    );
    const on = await writerStore({ faults }, { maxRetries: 5 });
    for (const end of [3 * MIB, 7 * MIB, content.length]) await append(on, end);
    await commit(on);
    expectWhole(on);
  });

  it("gives its memory to others, and takes up again where it was", async () => {
    let now = 0;
    const budget = new PartBudget(6 * MIB, () => now);
    const on = await writerStore();
    const slow = await on.open(PATH, { append: true }, { budget });
    await slow.write(content.subarray(0, 1000));
    const other = await on.open("/other/data", { append: true }, { budget });
    const written = other.write(content.subarray(0, 10));
    now = 5000;
    await budget.askHolders();
    await written;
    expect(on.keys()).toEqual(["up/tail/0"]);
    await other.commit();
    await writeAll(slow, content.subarray(1000));
    await slow.commit();
    expect(on.body(KEY)?.equals(content)).toBe(true);
    expect(on.keys()).toEqual(["other/data", KEY]);
    expect(budget.usedBytes).toBe(0);
  });

  it("stops when it is aborted, and can be closed then", async () => {
    const on = await writerStore();
    const abort = new AbortController();
    const writer = await on.open(PATH, { append: true, signal: abort.signal });
    await writer.write(content.subarray(0, 100));
    abort.abort();
    await expect(writer.write(content.subarray(100, 200))).rejects.toThrow(CancelledError);
    await expect(writer.commit()).rejects.toThrow(CancelledError);
    await writer.close();
    expect((await readUnfinished(on.store, PATH)).sizeBytes).toBe(100);
  });
});
