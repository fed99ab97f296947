import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { blobDataPath, uploadDataPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import type { Upload } from "../../../src/registry/upload.ts";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { patternBytes } from "../../contract/cases/store-under-test.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { faultyServer } from "./faulty-store.ts";

const MIB = 1024 * 1024;
const good = Buffer.from(patternBytes(16 * MIB + 5));
const evil = Buffer.alloc(good.length, "evil ");
const digest = digestOf(good);

/** Two nodes that share nothing but a bucket, so that nobody keeps them apart. */
async function twoNodes(beforeMove: () => Promise<void> = async () => undefined) {
  const s3 = await faultyServer();
  const node = () => new S3Driver(createS3Store(s3.settings("registry", { chunkBytes: 5 * MIB })));
  const driver = node();
  const move = driver.move.bind(driver);
  driver.move = async (from, to, tag) => {
    await beforeMove();
    await move(from, to, tag);
  };
  const first = new Registry(driver).repository("a/b").uploads;
  return { s3, node, first, second: new Registry(node()).repository("a/b").uploads };
}

async function send(upload: Upload, bytes: Buffer): Promise<void> {
  await upload.append(chunksOf(bytes));
  await upload.close();
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += MIB) yield bytes.subarray(at, at + MIB);
}

function blobIn(s3: S3Server): Buffer | undefined {
  return s3.objects("registry").get(blobDataPath(digest).slice(1))?.body;
}

describe("an upload that two nodes write to at the same time", () => {
  it.each([
    ["parts", 10 * MIB, 15 * MIB],
    ["tails", 15 * MIB, good.length],
  ])("becomes no blob of other bytes if the second one replaces %s of the first one", async (_, at, end) => {
    const { s3, first, second } = await twoNodes();
    const { uuid } = await first.start();
    await send(await first.resume(uuid), good.subarray(0, at));
    const slow = await second.resume(uuid);
    await send(await first.resume(uuid), good.subarray(at));
    await send(slow, evil.subarray(at, end)).catch(() => undefined);
    const last = await first.resume(uuid);
    expect(last.sizeBytes).toBe(good.length);
    await expect(last.finish(digest)).rejects.toThrow();
    expect(blobIn(s3)).toBeUndefined();
  });

  it("becomes no blob of other bytes if the second one replaces them while it is finished", async () => {
    const { s3, first, second } = await twoNodes();
    const { uuid } = await first.start();
    await send(await first.resume(uuid), good.subarray(0, 15 * MIB));
    const slow = await second.resume(uuid);
    await send(await first.resume(uuid), good.subarray(15 * MIB));
    const last = await first.resume(uuid);
    await send(slow, evil.subarray(15 * MIB));
    await expect(last.finish(digest)).rejects.toThrow();
    expect(blobIn(s3)).toBeUndefined();
  });

  it("becomes no blob of other bytes if the second one finishes it right before it is moved", async () => {
    let meanwhile = async (): Promise<void> => undefined;
    const { s3, first, node } = await twoNodes(() => meanwhile());
    const { uuid } = await first.start();
    const slow = await node().openWriter(uploadDataPath("a/b", uuid), { append: true });
    await send(await first.resume(uuid), good);
    const last = await first.resume(uuid);
    meanwhile = async () => {
      for await (const chunk of chunksOf(evil)) await slow.write(chunk);
      await slow.commit();
    };
    await expect(last.finish(digest)).rejects.toThrow();
    expect(blobIn(s3)).toBeUndefined();
  });

  it("becomes a blob if both have sent the same", async () => {
    const { s3, first, second } = await twoNodes();
    const { uuid } = await first.start();
    await send(await first.resume(uuid), good.subarray(0, 6 * MIB));
    await send(await second.resume(uuid), good.subarray(6 * MIB));
    const last = await first.resume(uuid);
    await last.finish(digest);
    expect(blobIn(s3)?.equals(good)).toBe(true);
  });
});
