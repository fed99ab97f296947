import { expect, it, onTestFinished } from "vitest";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { patternBytes } from "../../contract/cases/store-under-test.ts";
import { expectStatus, RegistryHttp, sha256 } from "../../support/registry-http.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { faultyServer, runs } from "./faulty-store.ts";

/** At the most one more than an upload of S3 may have parts; see `runs`. */
const CHUNKS = Math.min(10_001, runs(200).numRuns);
/** Together more than the first part. */
const CHUNK_BYTES = Math.ceil((6 * 1024 * 1024) / CHUNKS);
const content = Buffer.from(patternBytes(CHUNKS * CHUNK_BYTES));

it("an upload in very many chunks keeps few objects, and is whole in the end", {
  timeout: 600_000,
}, async () => {
  const s3 = await faultyServer();
  const driver = new S3Driver(createS3Store(s3.settings("registry", { chunkBytes: 5 * 1024 * 1024 })));
  const { url } = await serverOfTest({ driver, settings: { redirect: { enabled: false, expiryMs: 1 } } });
  const client = new RegistryHttp(url);
  onTestFinished(() => client.close());
  let location = await client.startUpload("a/b");
  for (let offset = 0; offset < content.length; offset += CHUNK_BYTES) {
    location = await client.sendChunk(location, content.subarray(offset, offset + CHUNK_BYTES), offset);
    // Kept, they would only take memory.
    s3.requests.splice(0);
  }
  expect(s3.objects("registry").size).toBeLessThan(20);
  expectStatus(await client.send("PUT", `${location}&digest=${sha256(content)}`), 201);
  const pulled = await client.send("GET", `/v2/a/b/blobs/${sha256(content)}`);
  expect(sha256(pulled.body)).toBe(sha256(content));
  expect([...s3.objects("registry").keys()].filter((key) => key.includes("_uploads"))).toEqual([]);
  expect(s3.uploads("registry").size).toBe(0);
});
