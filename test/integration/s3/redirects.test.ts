import { describe, expect, it, onTestFinished } from "vitest";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { describeOnEachRgw } from "../../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../../support/ceph/test-bucket.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { pushBlob } from "../../support/push-image.ts";
import { faultyServer, impatientDriver, newBucket } from "./faulty-store.ts";

const CONTENT = Buffer.from("0123456789");

async function start(driver: S3Driver, enabled: boolean): Promise<InProcessServer> {
  const server = await startInProcessServer({
    driver,
    settings: { redirect: { enabled, expiryMs: 60_000 } },
  });
  onTestFinished(() => server.close());
  return server;
}

/** Pushes a blob, and gets it as a client does that follows redirects. */
async function expectSent(driver: S3Driver, enabled: boolean): Promise<void> {
  const server = await start(driver, enabled);
  const { digest } = await pushBlob(server.url, "a/b", CONTENT);
  const url = `${server.url}/v2/a/b/blobs/${digest}`;

  const whole = await fetch(url);
  expect([whole.status, whole.redirected]).toEqual([200, enabled]);
  expect(Buffer.from(await whole.arrayBuffer())).toEqual(CONTENT);

  const part = await fetch(url, { headers: { Range: "bytes=2-4" } });
  expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 2-4/10"]);
  expect(await part.text()).toBe("234");

  const beyond = await fetch(url, { headers: { Range: "bytes=10-" } });
  expect(beyond.status).toBe(416);
  await beyond.body?.cancel();

  const head = await fetch(url, { method: "HEAD" });
  expect([head.status, head.redirected, head.headers.get("content-length")]).toEqual([200, false, "10"]);

  const { digest: empty } = await pushBlob(server.url, "a/b", "");
  const nothing = await fetch(`${server.url}/v2/a/b/blobs/${empty}`);
  expect([nothing.status, await nothing.text()]).toEqual([200, ""]);
}

describe.each([
  ["sent to the bucket", true],
  ["served from here", false],
])("a blob of a bucket, %s", (_, enabled) => {
  it("reaches the client, whole and in part", async () => {
    const s3 = await faultyServer();
    await expectSent(impatientDriver(s3, newBucket(s3)), enabled);
  });
});

describeOnEachRgw("a blob of a bucket", (version) => {
  it.each([true, false])("reaches the client, whole and in part (redirects: %s)", async (enabled) => {
    const bucket = await bucketOfTest(version);
    await expectSent(new S3Driver(createS3Store(bucket.settings())), enabled);
  });
});
