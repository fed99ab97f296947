import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterEach, describe, expect, test } from "vitest";
import { createS3Store, type S3StoreOptions } from "../../../../src/storage/s3/create-s3-store.ts";
import { createSdkClient } from "../../../../src/storage/s3/sdk-client.ts";
import { plainServerOfTest } from "../../../support/s3-lane.ts";
import { type FaultKind, faultsByPlan } from "../../../support/s3-server/faults.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "../../../support/s3-server/s3-server.ts";

let server: S3Server | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(options: S3ServerOptions = {}): Promise<S3Server> {
  server = await startS3Server(options);
  return server;
}

const storeOf = (s3: S3Server, options: S3StoreOptions = {}) =>
  createS3Store(s3.settings("registry", { maxRetries: 3 }), { random: () => 0, ...options });

const at = (Key: string) => ({ Bucket: "registry", Key });

describe("the SDK's client", () => {
  test("follows a temporary redirection to the same service, and to no other", async () => {
    const s3 = await start();
    let location = `${s3.endpoint}/registry/`;
    let redirected = 0;
    const first = await plainServerOfTest((request, response) => {
      redirected += 1;
      request.resume().on("end", () => response.writeHead(307, { location }).end());
    });
    const { endpoint } = first.settings("registry");
    const sdk = await createS3Store(s3.settings("registry", { endpoint })).sdk();
    const { UploadId } = await sdk.send(new CreateMultipartUploadCommand(at("a b")));
    const part = { ...at("a b"), UploadId, PartNumber: 1 };
    const { ETag } = await sdk.send(new UploadPartCommand({ ...part, Body: Buffer.from("content") }));
    const Parts = [{ PartNumber: 1, ETag }];
    await sdk.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload: { Parts } }));
    expect(s3.objects("registry").get("a b")?.body.toString()).toBe("content");
    expect(redirected).toBe(3);
    location = location.replace("127.0.0.1", "localhost");
    await expect(sdk.send(new HeadObjectCommand(at("a b")))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 307 },
    });
    expect(s3.count("HeadObject")).toBe(0);
  });

  test("is made once", async () => {
    const store = storeOf(await start());
    expect(await store.sdk()).toBe(await store.sdk());
  });

  test("is counted with the lane, each attempt", async () => {
    const s3 = await start({ faults: faultsByPlan([{ fault: "slow-down", times: 2 }]) });
    const store = storeOf(s3);
    const sdk = await store.sdk();
    await sdk.send(new PutObjectCommand({ ...at("a"), Body: "1" }));
    await store.lane.send({ method: "HEAD", key: "a" });
    expect(store.lane.requests).toEqual({ "PUT object": 3, "HEAD object": 1 });
  });

  test.each<FaultKind>([
    "slow-down",
    "internal-error",
    "reset-before",
    "error-in-200",
    "truncated-xml",
    "cut-body",
  ])("tries a copy again after %s", async (fault) => {
    const s3 = await start();
    const sdk = await storeOf(s3).sdk();
    await sdk.send(new PutObjectCommand({ ...at("a"), Body: "content" }));
    s3.options.faults = faultsByPlan([{ fault, operation: "CopyObject", times: 2 }]);
    await sdk.send(new CopyObjectCommand({ ...at("b"), CopySource: "registry/a" }));
    expect(s3.count("CopyObject")).toBe(3);
    expect(s3.objects("registry").size).toBe(2);
  });

  test("asks for another key when one has expired, and only once", async () => {
    const s3 = await start({ hasExpired: true });
    let renewals = 0;
    const renewKey = () => {
      renewals += 1;
      return Promise.resolve(true);
    };
    const meters = { requests: {}, rate: { take: () => undefined } };
    const sdk = await createSdkClient(s3.settings("registry"), meters, { renewKey });
    const write = sdk.send(new PutObjectCommand({ ...at("a"), Body: "1" }));
    await expect(write).rejects.toMatchObject({ name: "ExpiredToken", $metadata: { attempts: 2 } });
    expect(renewals).toBe(1);
  });

  test("ends after so many retries with what the store says last", async () => {
    const s3 = await start({ faults: () => "slow-down" });
    const sdk = await storeOf(s3).sdk();
    await expect(sdk.send(new HeadObjectCommand(at("a")))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 503, attempts: 4 },
    });
  });

  test("does not give up after hundreds of failures elsewhere", async () => {
    let failing = 150;
    const s3 = await start({ faults: () => (failing-- % 4 === 0 ? undefined : "slow-down") });
    const sdk = await storeOf(s3).sdk();
    failing = 400;
    for (let round = 0; round < 100; round++) await sdk.send(new PutObjectCommand({ ...at("a"), Body: "1" }));
    expect(s3.count("PutObject")).toBeGreaterThan(390);
  });

  test("uploads in parts over kept connections, without asking whether it may go on", async () => {
    const s3 = await start();
    const sdk = await storeOf(s3).sdk();
    const { UploadId } = await sdk.send(new CreateMultipartUploadCommand(at("a")));
    const { ETag } = await sdk.send(
      new UploadPartCommand({ ...at("a"), UploadId, PartNumber: 1, Body: Buffer.alloc(6 * 1024 * 1024) }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await sdk.send(new CompleteMultipartUploadCommand({ ...at("a"), UploadId, MultipartUpload }));
    expect(s3.requests.some(({ headers }) => "expect" in headers)).toBe(false);
    const { ContentLength } = await sdk.send(new HeadObjectCommand(at("a")));
    expect(ContentLength).toBe(6 * 1024 * 1024);
  });

  test("keeps the same rate as the lane", async () => {
    let nowMs = Math.floor(Date.now() / 1000) * 1000;
    const s3 = await start();
    const settings = s3.settings("registry", { maxRequestsPerSecond: 2 });
    const store = createS3Store(settings, { now: () => nowMs });
    await store.lane.send({ method: "PUT", key: "a", body: Buffer.from("1") });
    const read = store.sdk().then((sdk) => sdk.send(new GetObjectCommand(at("a"))));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(s3.count("GetObject")).toBe(0);
    nowMs += 1000;
    expect(await (await read).Body?.transformToString()).toBe("1");
  });
});
