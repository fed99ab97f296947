import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import type { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { patternBytes } from "../../contract/cases/store-under-test.ts";
import type { InProcessServer } from "../../support/in-process-server.ts";
import { imageManifest, type Pushed, pushBlob, pushImage, pushManifest } from "../../support/push-image.ts";
import { type Faults, faultsBySeed } from "../../support/s3-server/faults.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { faultyServer, filesIn, impatientDriver, newBucket, runs } from "./faulty-store.ts";

const MIB = 1024 * 1024;
const SMALL_PARTS = { chunkBytes: 5 * MIB };
const PATIENCE_MS = 120_000;
const seeds = fc.nat(2 ** 31 - 1);
/** One whole part and some more. */
const content = Buffer.from(patternBytes(6 * MIB + 17));
const digest = digestOf(content);

/** Where a client cuts its chunks: nowhere where a part could end. */
const CUTS = [0, 2, 3 * MIB + 5, content.length];

describe("pushes to S3 while answers go wrong", { timeout: PATIENCE_MS }, () => {
  it("are all done, as long as every fault passes", async () => {
    const s3 = await faultyServer();
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const bucket = newBucket(s3);
        const { url } = await serveThrough(impatientDriver(s3, bucket, SMALL_PARTS));
        s3.options.faults = faultsBySeed(seed, { probability: 0.25 });
        s3.options.habits = { hidesCompletedEtag: seed % 2 === 0 };
        const image = await pushImage(url, "a/b", `seed ${seed}`, "latest");
        const inChunks = await pushInChunks(url);
        const other = Buffer.concat([content, Buffer.from("!")]);
        const [atOnce] = await Promise.all([pushBlob(url, "a/b", other), pushBlob(url, "a/b", other)]);
        await pushManifest(url, "a/b", imageManifest(image.config, [inChunks, atOnce]), "large");
        for (const blob of [image.config, image.layer, inChunks, atOnce]) await expectPulled(url, blob);
        s3.options.faults = undefined;
        expectWhole(s3, bucket);
        // Nobody knows of an upload whose beginning was not answered. It holds nothing, and is purged one day.
        expect([...s3.uploads(bucket).values()].filter(({ parts }) => parts.size > 0)).toEqual([]);
      }),
      runs(4),
    );
  });

  it("are kept if they were acknowledged, whatever failed, and what was not can be pushed again", async () => {
    const s3 = await faultyServer();
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const bucket = newBucket(s3);
        const { url } = await serveThrough(impatientDriver(s3, bucket, { ...SMALL_PARTS, maxRetries: 0 }));
        s3.options.faults = faultsBySeed(seed, { probability: 0.15, maxInARow: 1000 });
        const acknowledged: Pushed[] = [];
        for (let number = 0; number < 12; number++) {
          const text = `blob ${number} of ${seed}`;
          const pushed = await pushBlob(url, "a/b", text).catch(() => undefined);
          if (pushed !== undefined) acknowledged.push(pushed);
        }
        const large = await pushInChunks(url).catch(() => undefined);
        if (large !== undefined) acknowledged.push(large);
        s3.options.faults = undefined;
        for (const blob of acknowledged) await expectPulled(url, blob);
        expectWhole(s3, bucket);
        await expectPulled(url, await pushInChunks(url));
      }),
      runs(8),
    );
  });

  it("go on in another process from where the last one has died, before any of its requests", async () => {
    const s3 = await faultyServer();
    for (let requests = 0, isOver = false; !isOver; requests++) {
      const bucket = newBucket(s3);
      const dying = await serveThrough(impatientDriver(s3, bucket, { ...SMALL_PARTS, maxRetries: 0 }));
      const { pathname, search } = await startUpload(dying.url);
      let left = requests;
      const faults: Faults = () => (left-- > 0 ? undefined : "reset-before");
      s3.options.faults = faults;
      const acknowledged = await sentUntilFailure(new URL(pathname + search, dying.url));
      isOver = left >= 0;
      s3.options.faults = undefined;

      const other = await serveThrough(impatientDriver(s3, bucket, SMALL_PARTS));
      const { location, sizeBytes } = await statusOf(new URL(pathname + search, other.url));
      expect(sizeBytes, `died before request ${requests}`).toBeGreaterThanOrEqual(acknowledged);
      const rest = await fetch(location, { method: "PATCH", body: content.subarray(sizeBytes) });
      expect(rest.status).toBe(202);
      await finish(new URL(rest.headers.get("location") ?? "", other.url));
      await expectPulled(other.url, { digest, bytes: content });
      expectWhole(s3, bucket);
      expect(s3.uploads(bucket).size, `died before request ${requests}`).toBe(0);
    }
  });

  it("are not lost if the process dies while it finishes them: nothing wrong is ever seen", async () => {
    const s3 = await faultyServer();
    for (let requests = 0, isOver = false; !isOver; requests++) {
      const bucket = newBucket(s3);
      const dying = await serveThrough(impatientDriver(s3, bucket, { ...SMALL_PARTS, maxRetries: 0 }));
      const sent = await sendChunks(await startUpload(dying.url));
      let left = requests;
      const faults: Faults = () => (left-- > 0 ? undefined : "reset-before");
      s3.options.faults = faults;
      const isDone = await finish(sent.location).then(
        () => true,
        () => false,
      );
      isOver = left >= 0;
      s3.options.faults = undefined;
      expectWhole(s3, bucket);
      const other = await serveThrough(impatientDriver(s3, bucket, SMALL_PARTS));
      if (!isDone) {
        const { pathname, search } = sent.location;
        const again = new URL(pathname + search, other.url);
        // The client may ask again, or begin anew: what it gets is never wrong.
        await finish(again).catch(() => pushInChunks(other.url));
      }
      await expectPulled(other.url, { digest, bytes: content });
      expectWhole(s3, bucket);
    }
  });
});

/** Bodies go through the server, so that faults of reading come to the client as whole bodies too. */
function serveThrough(driver: S3Driver): Promise<InProcessServer> {
  return serverOfTest({ driver, settings: { redirect: { enabled: false, expiryMs: 1 } } });
}

interface Sent {
  location: URL;
  sizeBytes: number;
}

async function startUpload(url: string): Promise<URL> {
  const start = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: "POST" });
  if (start.status !== 202) throw new Error(`starting an upload gave ${start.status}`);
  return new URL(start.headers.get("location") ?? "", url);
}

/** Sends chunk after chunk. @throws {Error} if one is not taken */
async function sendChunks(start: URL, onAcknowledged: (sizeBytes: number) => void = () => {}): Promise<Sent> {
  let location = start;
  let sizeBytes = 0;
  for (const cut of CUTS.slice(1)) {
    const answer = await fetch(location, { method: "PATCH", body: content.subarray(sizeBytes, cut) });
    if (answer.status !== 202) throw new Error(`a chunk gave ${answer.status}`);
    location = new URL(answer.headers.get("location") ?? "", start);
    sizeBytes = cut;
    onAcknowledged(sizeBytes);
  }
  return { location, sizeBytes };
}

/** @returns how many bytes were acknowledged before a chunk was not taken */
async function sentUntilFailure(start: URL): Promise<number> {
  let acknowledged = 0;
  const remember = (sizeBytes: number) => {
    acknowledged = sizeBytes;
  };
  await sendChunks(start, remember).catch(() => undefined);
  return acknowledged;
}

async function finish(location: URL): Promise<void> {
  const url = new URL(location);
  url.searchParams.set("digest", digest);
  const answer = await fetch(url, { method: "PUT" });
  if (answer.status !== 201) throw new Error(`finishing gave ${answer.status}: ${await answer.text()}`);
}

async function pushInChunks(url: string): Promise<Pushed> {
  await finish((await sendChunks(await startUpload(url))).location);
  return { digest, bytes: content, mediaType: "application/vnd.oci.image.layer.v1.tar" };
}

async function statusOf(location: URL): Promise<Sent> {
  const answer = await fetch(location);
  expect(answer.status).toBe(204);
  const last = Number(/^0-(\d+)$/.exec(answer.headers.get("range") ?? "")?.[1]);
  return {
    location: new URL(answer.headers.get("location") ?? "", location),
    sizeBytes: last === 0 ? 0 : last + 1,
  };
}

async function expectPulled(url: string, blob: { digest: Digest; bytes: Buffer }): Promise<void> {
  const answer = await fetch(`${url}/v2/a/b/blobs/${blob.digest}`);
  expect(answer.status, blob.digest).toBe(200);
  expect(Buffer.from(await answer.arrayBuffer()).equals(blob.bytes), blob.digest).toBe(true);
}

/** Every blob that anybody could pull has the bytes of its digest. */
function expectWhole(s3: S3Server, bucket: string): void {
  for (const [path, body] of filesIn(s3, bucket)) {
    const blob = /\/blobs\/(sha256)\/..\/([0-9a-f]{64})\/data$/.exec(path);
    if (blob) expect(digestOf(body), path).toBe(`${blob[1]}:${blob[2]}`);
  }
}
