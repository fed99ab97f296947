import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CancelledError, DigestMismatchError, StorageFullError } from "../../../src/errors.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { UploadInvalidError, UploadUnknownError } from "../../../src/registry/errors.ts";
import {
  blobDataPath,
  layerLinkPath,
  uploadDataPath,
  uploadPath,
  uploadStartedAtPath,
} from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import type { UploadInfo } from "../../../src/registry/upload-store.ts";
import { hasEmptyFolders } from "../../../src/storage/abilities.ts";
import type { FileWriter, ReadOptions, StorageDriver, WriterOptions } from "../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { countDriver } from "../../../src/storage/wrappers/count/count-driver.ts";
import {
  filesOf,
  inChunks,
  pushBlob,
  STORES,
  textOf,
  withoutAbilities,
} from "../../support/registry-stores.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";

async function* breaksOffAfter(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inChunks(bytes, 100);
  throw new Error("connection reset");
}

async function uploadsOf(registry: Registry, name: string): Promise<UploadInfo[]> {
  const uploads: UploadInfo[] = [];
  for await (const upload of registry.repository(name).uploads.list()) uploads.push(upload);
  return uploads;
}

describe.each(STORES)("an upload in %s", (_name, open) => {
  it("becomes a linked blob, and nothing else stays", async () => {
    const driver = await open();
    const { uploads } = new Registry(driver).repository("a/b");
    const bytes = randomBytes(300_000);
    const digest = digestOf(bytes);
    const upload = await uploads.start();
    expect(await upload.append(inChunks(bytes, 7001))).toBe(300_000);
    expect(await upload.finish(digest)).toEqual({ digest, sizeBytes: 300_000 });
    expect(await filesOf(driver)).toEqual([blobDataPath(digest), layerLinkPath("a/b", digest)]);
    expect(Buffer.compare(await driver.get(blobDataPath(digest)), bytes)).toBe(0);
  });

  it("is not read again where another process tells what it has hashed", async () => {
    const { driver, counts } = countDriver(await open());
    const bytes = randomBytes(300_000);
    const digest = digestOf(bytes);
    const begun = await new Registry(driver).repository("a").uploads.start();
    await begun.append(inChunks(bytes, 7001));
    await begun.close();
    const looked = await new Registry(driver).repository("a").uploads.resume(begun.uuid, begun.hashed);
    await looked.close();
    const taken = await new Registry(driver).repository("a").uploads.resume(begun.uuid, looked.hashed);
    expect(await taken.finish(digest)).toEqual({ digest, sizeBytes: 300_000 });
    expect(counts.calls.read).toBeUndefined();
  });

  it.each([
    ["of another size", { sizeBytes: 2, digest: digestOf(Buffer.from("ab")) }, "sha256"],
    ["by another algorithm", { sizeBytes: 3, digest: digestOf(Buffer.from("abc")) }, "sha512"],
  ] as const)("is read where what is told is %s", async (_what, told, algorithm) => {
    const driver = await open();
    const begun = await new Registry(driver).repository("a").uploads.start();
    await begun.append(inChunks(Buffer.from("abc"), 2));
    await begun.close();
    const digest = digestOf(Buffer.from("abc"), algorithm);
    const taken = await new Registry(driver).repository("a").uploads.resume(begun.uuid, told);
    expect(await taken.finish(digest)).toEqual({ digest, sizeBytes: 3 });
  });

  it("forgets what it was told when it grows", async () => {
    const driver = await open();
    const begun = await new Registry(driver).repository("a").uploads.start();
    await begun.append(inChunks(Buffer.from("abc"), 2));
    await begun.close();
    const taken = await new Registry(driver).repository("a").uploads.resume(begun.uuid, begun.hashed);
    await taken.append(inChunks(Buffer.from("def"), 2));
    expect(taken.hashed).toBeUndefined();
    const digest = digestOf(Buffer.from("abcdef"));
    expect(await taken.finish(digest)).toEqual({ digest, sizeBytes: 6 });
  });

  it("may be empty", async () => {
    const driver = await open();
    const digest = digestOf(new Uint8Array());
    const upload = await new Registry(driver).repository("a").uploads.start();
    expect(await upload.finish(digest)).toEqual({ digest, sizeBytes: 0 });
    expect(await driver.get(blobDataPath(digest))).toHaveLength(0);
    expect(await filesOf(driver)).toEqual([blobDataPath(digest), layerLinkPath("a", digest)]);
  });

  it.each(["sha256", "sha512"] as const)(
    "is checked by %s, whatever was said at the start",
    async (started) => {
      for (const finished of ["sha256", "sha512"] as const) {
        const driver = await open();
        const digest = digestOf(Buffer.from("abc"), finished);
        const upload = await new Registry(driver).repository("a").uploads.start(started);
        await upload.append(inChunks(Buffer.from("abc"), 2));
        expect(await upload.finish(digest)).toEqual({ digest, sizeBytes: 3 });
        expect(await textOf(driver, blobDataPath(digest))).toBe("abc");
      }
    },
  );

  it("with another digest is refused and removed", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    const upload = await repository.uploads.start();
    await upload.append(inChunks(Buffer.from("abc"), 2));
    const failure = upload.finish(digestOf(Buffer.from("abd")));
    await expect(failure).rejects.toThrow(DigestMismatchError);
    await expect(failure).rejects.toMatchObject({ actual: digestOf(Buffer.from("abc")) });
    expect(await filesOf(driver)).toEqual([]);
    await expect(repository.uploads.resume(upload.uuid)).rejects.toThrow(UploadUnknownError);
    await expect(upload.append(inChunks(Buffer.from("x"), 1))).rejects.toThrow(UploadUnknownError);
  });

  it("goes on where it was left, in the same and in another process, with all the ways to read", async () => {
    const driver = await open();
    const bytes = randomBytes(5000);
    const { uuid } = await new Registry(driver).repository("a").uploads.start();
    const registries = [new Registry(driver), new Registry(withoutAbilities(driver))];
    for (let at = 0, turn = 0; at < bytes.length; at += 1000, turn++) {
      const registry = registries[turn % 3 === 0 ? 0 : 1];
      const upload = await registry?.repository("a").uploads.resume(uuid);
      expect(upload?.sizeBytes).toBe(at);
      expect(await upload?.append(inChunks(bytes.subarray(at, at + 1000), 300))).toBe(at + 1000);
      await upload?.close();
    }
    const upload = await new Registry(driver).repository("a").uploads.resume(uuid);
    await upload.finish(digestOf(bytes));
    expect(Buffer.compare(await driver.get(blobDataPath(digestOf(bytes))), bytes)).toBe(0);
    expect(await filesOf(driver)).toHaveLength(2);
  });

  it("keeps what came before the stream broke off", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    const bytes = randomBytes(1000);
    const upload = await repository.uploads.start();
    await expect(upload.append(breaksOffAfter(bytes.subarray(0, 400)))).rejects.toThrow("connection reset");
    expect(upload.sizeBytes).toBe(400);
    await upload.close();
    const resumed = await repository.uploads.resume(upload.uuid);
    expect(resumed.sizeBytes).toBe(400);
    await resumed.append(inChunks(bytes.subarray(400), 100));
    expect((await resumed.finish(digestOf(bytes))).sizeBytes).toBe(1000);
  });

  it("stops between chunks when it is aborted", async () => {
    const upload = await new Registry(await open()).repository("a").uploads.start();
    const abort = new AbortController();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("abc");
      abort.abort();
      yield Buffer.from("def");
    }
    await expect(upload.append(body(), abort.signal)).rejects.toThrow(CancelledError);
    expect(upload.sizeBytes).toBe(3);
    await upload.append(inChunks(Buffer.from("def"), 3));
    expect((await upload.finish(digestOf(Buffer.from("abcdef")))).sizeBytes).toBe(6);
  });

  it("of a blob that is stored already links it, and mends it if it is damaged", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const digest = await pushBlob(registry.repository("one"), "abcdef");
    await driver.put(blobDataPath(digest), Buffer.from("damage"));
    expect(await pushBlob(registry.repository("two"), "abcdef")).toBe(digest);
    expect(await textOf(driver, blobDataPath(digest))).toBe("abcdef");
    expect(await filesOf(driver)).toEqual([
      blobDataPath(digest),
      layerLinkPath("one", digest),
      layerLinkPath("two", digest),
    ]);
  });

  it("is cancelled without a trace, once or more, before and after data came", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    await (await repository.uploads.start()).cancel();
    const upload = await repository.uploads.start();
    await upload.append(inChunks(Buffer.from("abc"), 3));
    await upload.cancel();
    await upload.cancel();
    await upload.close();
    expect(await filesOf(driver)).toEqual([]);
    await expect(upload.finish(digestOf(Buffer.from("abc")))).rejects.toThrow(UploadUnknownError);
  });

  it("that the Go registry began is finished, its hash states removed", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    await driver.put(uploadStartedAtPath("a", UNKNOWN), Buffer.from("2024-05-01T10:20:30Z"));
    await driver.put(uploadDataPath("a", UNKNOWN), Buffer.from("abc"));
    await driver.put(`${uploadPath("a", UNKNOWN)}/hashstates/sha256/3`, Buffer.from("state"));
    const upload = await repository.uploads.resume(UNKNOWN);
    expect(upload.sizeBytes).toBe(3);
    await upload.finish(digestOf(Buffer.from("abc")));
    expect(await filesOf(driver)).toHaveLength(2);
    if (hasEmptyFolders(driver)) {
      expect(await driver.list("/docker/registry/v2/repositories/a/_uploads")).toEqual([]);
    }
  });

  it("is not known if it was never begun, or its uuid is no uuid", async () => {
    const { uploads } = new Registry(await open()).repository("a");
    for (const uuid of [UNKNOWN, "", "..", "../../b", "a/b", `${UNKNOWN}/x`]) {
      await expect(uploads.resume(uuid)).rejects.toThrow(UploadUnknownError);
    }
  });

  it("is listed with its start time as the Go registry writes it, or without one", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const { uuid } = await registry.repository("a").uploads.start();
    expect(await textOf(driver, uploadStartedAtPath("a", uuid))).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await driver.put(uploadStartedAtPath("b", UNKNOWN), Buffer.from("2024-05-01T12:20:30+02:00"));
    await driver.put(uploadDataPath("c", UNKNOWN), Buffer.from("abc"));
    expect(await uploadsOf(registry, "a")).toMatchObject([{ uuid }]);
    expect(await uploadsOf(registry, "b")).toEqual([
      { uuid: UNKNOWN, startedAtMs: Date.parse("2024-05-01T10:20:30Z") },
    ]);
    expect(await uploadsOf(registry, "c")).toEqual([{ uuid: UNKNOWN, startedAtMs: undefined }]);
    expect(await uploadsOf(registry, "none")).toEqual([]);
    await registry.repository("c").uploads.remove(UNKNOWN);
    expect(await uploadsOf(registry, "c")).toEqual([]);
    await registry.repository("c").uploads.remove(UNKNOWN);
  });
});

/** A memory driver that counts what is read, and whose disk can be full. */
class Watched extends MemoryDriver {
  readonly offsets: number[] = [];
  roomBytes = Number.POSITIVE_INFINITY;

  override read(path: string, options: ReadOptions = {}) {
    this.offsets.push(options.offset ?? 0);
    return super.read(path, options);
  }

  override async openWriter(path: string, options?: WriterOptions): Promise<FileWriter> {
    const writer = await super.openWriter(path, options);
    const write = writer.write.bind(writer);
    writer.write = async (chunk) => {
      const fits = Math.min(chunk.length, Math.max(0, this.roomBytes - writer.sizeBytes));
      await write(chunk.subarray(0, fits));
      if (fits < chunk.length) throw new StorageFullError("no room");
    };
    return writer;
  }
}

async function uploadInTwoParts(
  driver: StorageDriver,
  first: Registry,
  second: Registry,
  bytes: Buffer,
): Promise<void> {
  const upload = await first.repository("a").uploads.start();
  await upload.append(inChunks(bytes.subarray(0, 600), 100));
  await upload.close();
  const resumed = await second.repository("a").uploads.resume(upload.uuid);
  await resumed.append(inChunks(bytes.subarray(600), 100));
  await resumed.finish(digestOf(bytes));
  expect(Buffer.compare(await driver.get(blobDataPath(digestOf(bytes))), bytes)).toBe(0);
}

describe("the hash of an upload", () => {
  const bytes = randomBytes(1000);

  it("needs no reading in the process that wrote it", async () => {
    const driver = new Watched();
    const registry = new Registry(driver);
    await uploadInTwoParts(driver, registry, registry, bytes);
    expect(driver.offsets).toEqual([]);
  });

  it("is made up from the store in another process", async () => {
    const driver = new Watched();
    await uploadInTwoParts(driver, new Registry(driver), new Registry(driver), bytes);
    expect(driver.offsets).toEqual([0]);
  });

  it("reads only what others wrote behind its own part", async () => {
    const driver = new Watched();
    const own = new Registry(driver);
    const upload = await own.repository("a").uploads.start();
    await upload.append(inChunks(bytes.subarray(0, 400), 100));
    await upload.close();
    const other = await new Registry(driver).repository("a").uploads.resume(upload.uuid);
    await other.append(inChunks(bytes.subarray(400), 100));
    await other.close();
    await (await own.repository("a").uploads.resume(upload.uuid)).finish(digestOf(bytes));
    expect(driver.offsets).toEqual([400]);
  });

  it("is right after the store was full in the middle of a chunk", async () => {
    const driver = new Watched();
    const repository = new Registry(driver).repository("a");
    const upload = await repository.uploads.start();
    driver.roomBytes = 450;
    await expect(upload.append(inChunks(bytes, 200))).rejects.toThrow(StorageFullError);
    expect(upload.sizeBytes).toBe(450);
    driver.roomBytes = Number.POSITIVE_INFINITY;
    await upload.append(inChunks(bytes.subarray(450), 200));
    expect(await upload.finish(digestOf(bytes))).toEqual({ digest: digestOf(bytes), sizeBytes: 1000 });
  });

  it("does not cover up that stored bytes were lost", async () => {
    const driver = new Watched();
    const registry = new Registry(driver);
    const upload = await registry.repository("a").uploads.start();
    await upload.append(inChunks(bytes, 100));
    await upload.close();
    await driver.put(uploadDataPath("a", upload.uuid), bytes.subarray(0, 500));
    const resumed = await registry.repository("a").uploads.resume(upload.uuid);
    await expect(resumed.finish(digestOf(bytes))).rejects.toThrow(DigestMismatchError);
    await expect(driver.stat(blobDataPath(digestOf(bytes)))).rejects.toThrow();
  });

  it("does not cover up that somebody else wrote meanwhile", async () => {
    class Meddled extends Watched {
      override async read(path: string, options?: ReadOptions) {
        const stream = await super.read(path, options);
        await this.put(path, Buffer.concat([bytes, bytes]));
        return stream;
      }
    }
    const driver = new Meddled();
    const upload = await new Registry(driver).repository("a").uploads.start("sha512");
    await upload.append(inChunks(bytes, 100));
    await expect(upload.finish(digestOf(bytes))).rejects.toThrow(UploadInvalidError);
    expect(await filesOf(driver)).toEqual([]);
  });
});

it("stores any bytes whatever the chunks, the breaks and the processes", async () => {
  const part = fc.record({
    bytes: fc.uint8Array({ maxLength: 300 }),
    chunkBytes: fc.integer({ min: 1, max: 120 }),
    breaksOff: fc.boolean(),
    process: fc.integer({ min: 0, max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 6 }),
      fc.constantFrom("sha256", "sha512"),
      async (parts, algorithm) => {
        const driver = new MemoryDriver();
        const processes = [
          new Registry(driver),
          new Registry(driver),
          new Registry(withoutAbilities(driver)),
        ];
        const { uuid } = await new Registry(driver).repository("a").uploads.start();
        for (const { bytes, chunkBytes, breaksOff, process } of parts) {
          const upload = await processes[process]?.repository("a").uploads.resume(uuid);
          const body = breaksOff ? breaksOffAfter(bytes) : inChunks(bytes, chunkBytes);
          await upload?.append(body).catch(() => {});
          await upload?.close();
        }
        const all = Buffer.concat(parts.map(({ bytes }) => bytes));
        const digest = digestOf(all, algorithm === "sha512" ? "sha512" : "sha256");
        const upload = await processes[0]?.repository("a").uploads.resume(uuid);
        expect(await upload?.finish(digest)).toEqual({ digest, sizeBytes: all.length });
        expect(Buffer.compare(await driver.get(blobDataPath(digest)), all)).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});
