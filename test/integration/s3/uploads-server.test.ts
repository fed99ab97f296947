import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { blobDataPath } from "../../../src/registry/paths.ts";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { patternBytes } from "../../contract/cases/store-under-test.ts";
import { faultsByPlan } from "../../support/s3-server/faults.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { faultyServer } from "./faulty-store.ts";

const MIB = 1024 * 1024;
const large = Buffer.from(patternBytes(12 * MIB + 5));
const small = Buffer.from("a small blob");

/** A registry over a bucket in memory, and a second process on the same bucket. */
async function registries() {
  const s3 = await faultyServer();
  const serve = async () => {
    const settings = s3.settings("registry", { chunkBytes: 5 * MIB, maxRetries: 2 });
    const driver = new S3Driver(createS3Store(settings, { sleep: async () => undefined }));
    const { url } = await serverOfTest({ driver, settings: { redirect: { enabled: false, expiryMs: 1 } } });
    return url;
  };
  return { s3, url: await serve(), other: await serve() };
}

async function startUpload(url: string): Promise<URL> {
  const start = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: "POST" });
  expect(start.status).toBe(202);
  return new URL(start.headers.get("location") ?? "", url);
}

function on(url: string, location: URL, digest?: string): URL {
  const moved = new URL(location.pathname + location.search, url);
  if (digest !== undefined) moved.searchParams.set("digest", digest);
  return moved;
}

function post(url: string, bytes: Buffer, digest: string): Promise<Response> {
  return fetch(`${url}/v2/a/b/blobs/uploads/?digest=${digest}`, { method: "POST", body: bytes });
}

function keysOf(s3: S3Server): string[] {
  return [...s3.objects("registry").keys()].map((key) => key.split("/").slice(-2).join("/")).sort();
}

function blobOf(s3: S3Server, bytes: Buffer): Buffer | undefined {
  return s3.objects("registry").get(blobDataPath(digestOf(bytes)).slice(1))?.body;
}

/** Only a blob and its link are there. */
function expectPushed(s3: S3Server, bytes: Buffer): void {
  const hex = digestOf(bytes).slice("sha256:".length);
  expect(keysOf(s3)).toEqual([`${hex}/data`, `${hex}/link`]);
  expect(blobOf(s3, bytes)?.equals(bytes)).toBe(true);
  expect(s3.uploads("registry").size).toBe(0);
}

describe("a blob whose digest is known before its first byte", () => {
  it.each([small, large])("needs no upload and no copy, in one POST", async (bytes) => {
    const { s3, url } = await registries();
    expect((await post(url, bytes, digestOf(bytes))).status).toBe(201);
    expectPushed(s3, bytes);
    expect(s3.count("CopyObject") + s3.count("UploadPartCopy") + s3.count("ListObjectsV2")).toBe(0);
    if (bytes === small)
      expect(s3.requests.map(({ operation }) => operation)).toEqual(["PutObject", "PutObject"]);
  });

  it.each([small, large])("is not copied either in the PUT behind a POST", async (bytes) => {
    const { s3, url } = await registries();
    const location = await startUpload(url);
    const answer = await fetch(on(url, location, digestOf(bytes)), { method: "PUT", body: bytes });
    expect(answer.status).toBe(201);
    expectPushed(s3, bytes);
    expect(s3.count("CopyObject") + s3.count("UploadPartCopy")).toBe(0);
  });

  it.each([small, large])("leaves nothing if it has another one", async (bytes) => {
    const { s3, url } = await registries();
    const wrong = digestOf(Buffer.from("something else"));
    expect((await post(url, bytes, wrong)).status).toBe(400);
    const location = await startUpload(url);
    const answer = await fetch(on(url, location, wrong), { method: "PUT", body: bytes });
    expect(answer.status).toBe(400);
    expect(keysOf(s3)).toEqual([]);
    expect(s3.uploads("registry").size).toBe(0);
  });

  it("leaves nothing if its client goes, and the upload can be begun again", async () => {
    const { s3, url } = await registries();
    const location = await startUpload(url);
    const target = on(url, location, digestOf(large));
    const client = request(target, { method: "PUT", headers: { "Content-Length": large.length } });
    client.on("error", () => undefined);
    client.write(large.subarray(0, 11 * MIB));
    await expect.poll(() => s3.count("UploadPart"), { timeout: 60_000 }).toBeGreaterThan(0);
    client.destroy();
    await expect.poll(() => s3.uploads("registry").size, { timeout: 60_000 }).toBe(0);
    const status = await fetch(location);
    expect(status.headers.get("range")).toBe("0-0");
    expect(blobOf(s3, large)).toBeUndefined();
    const again = await fetch(target, { method: "PUT", body: large });
    expect(again.status).toBe(201);
    expectPushed(s3, large);
  });

  it("is pushed again after the store has failed", async () => {
    const { s3, url } = await registries();
    s3.options.faults = faultsByPlan([{ fault: "slow-down", operation: "UploadPart", times: 20 }]);
    const location = await startUpload(url);
    const target = on(url, location, digestOf(large));
    expect((await fetch(target, { method: "PUT", body: large })).status).toBe(503);
    s3.options.faults = undefined;
    expect((await fetch(target, { method: "PUT", body: large })).status).toBe(201);
    expectPushed(s3, large);
  });

  it("goes through an upload if its size is not known", async () => {
    const { s3, url } = await registries();
    const body = new Blob([large]).stream();
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    const answer = await fetch(`${url}/v2/a/b/blobs/uploads/?digest=${digestOf(large)}`, init);
    expect(answer.status).toBe(201);
    expectPushed(s3, large);
  });
});

describe("a blob that comes in chunks", () => {
  it("is copied to its place inside the store", async () => {
    const { s3, url } = await registries();
    const location = await startUpload(url);
    expect((await fetch(location, { method: "PATCH", body: large })).status).toBe(202);
    expect((await fetch(on(url, location, digestOf(large)), { method: "PUT" })).status).toBe(201);
    expectPushed(s3, large);
    const gets = s3.requests.filter(({ operation }) => operation === "GetObject");
    expect(gets.map(({ key }) => key.split("/").at(-2))).toEqual(["tail"]);
  });

  it("is written anew instead if it is small", async () => {
    const { s3, url } = await registries();
    const location = await startUpload(url);
    expect((await fetch(location, { method: "PATCH", body: small.subarray(0, 5) })).status).toBe(202);
    const target = on(url, location, digestOf(small));
    expect((await fetch(target, { method: "PUT", body: small.subarray(5) })).status).toBe(201);
    expectPushed(s3, small);
    expect(s3.count("CopyObject") + s3.count("CreateMultipartUpload")).toBe(0);
  });

  it("is gone on with by another process, which makes the hash from what is stored", async () => {
    const { s3, url, other } = await registries();
    const location = await startUpload(url);
    expect((await fetch(location, { method: "PATCH", body: large.subarray(0, 7 * MIB) })).status).toBe(202);
    const status = await fetch(on(other, location));
    expect(status.headers.get("range")).toBe(`0-${7 * MIB - 1}`);
    const rest = await fetch(on(other, location), { method: "PATCH", body: large.subarray(7 * MIB) });
    expect(rest.headers.get("range")).toBe(`0-${large.length - 1}`);
    expect((await fetch(on(url, location, digestOf(large)), { method: "PUT" })).status).toBe(201);
    expectPushed(s3, large);
  });

  it("with a digest that it has not is not even made an object, and is gone", async () => {
    const { s3, url } = await registries();
    const location = await startUpload(url);
    await fetch(location, { method: "PATCH", body: large });
    const answer = await fetch(on(url, location, digestOf(small)), { method: "PUT" });
    expect(answer.status).toBe(400);
    expect(s3.count("CompleteMultipartUpload")).toBe(0);
    expect(keysOf(s3)).toEqual([]);
    expect(s3.uploads("registry").size).toBe(0);
    expect((await fetch(location)).status).toBe(404);
  });

  it("is gone when it is cancelled", async () => {
    const { s3, url, other } = await registries();
    const location = await startUpload(url);
    await fetch(location, { method: "PATCH", body: large });
    expect((await fetch(on(other, location), { method: "DELETE" })).status).toBe(204);
    expect(keysOf(s3)).toEqual([]);
    expect(s3.uploads("registry").size).toBe(0);
  });

  it("is finished by whoever comes after a process that died between commit and copy", async () => {
    const { s3, url, other } = await registries();
    const location = await startUpload(url);
    await fetch(location, { method: "PATCH", body: large });
    s3.options.faults = faultsByPlan([{ fault: "slow-down", operation: "CopyObject", times: 20 }]);
    const target = on(url, location, digestOf(large));
    expect((await fetch(target, { method: "PUT" })).status).toBe(503);
    s3.options.faults = undefined;
    expect((await fetch(on(other, target), { method: "PUT" })).status).toBe(201);
    expectPushed(s3, large);
  });

  it("keeps what was acknowledged when the store fails, and goes on there", async () => {
    const { s3, url } = await registries();
    const location = await startUpload(url);
    await fetch(location, { method: "PATCH", body: large.subarray(0, 6 * MIB) });
    s3.options.faults = faultsByPlan([{ fault: "slow-down", operation: "UploadPart", times: 20 }]);
    const failed = await fetch(location, { method: "PATCH", body: large.subarray(6 * MIB) });
    expect(failed.status).toBe(503);
    s3.options.faults = undefined;
    const status = await fetch(location);
    const received = Number(status.headers.get("range")?.split("-")[1]) + 1;
    expect(received).toBeGreaterThanOrEqual(6 * MIB);
    expect((await fetch(location, { method: "PATCH", body: large.subarray(received) })).status).toBe(202);
    expect((await fetch(on(url, location, digestOf(large)), { method: "PUT" })).status).toBe(201);
    expectPushed(s3, large);
  });
});
