import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { describe, expect, it, onTestFinished } from "vitest";
import { type FaultKind, faultsByPlan } from "../../support/s3-server/faults.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "../../support/s3-server/s3-server.ts";

const Bucket = "registry";

describe("the S3 server of the tests, by the SDK", () => {
  it("keeps objects under keys that have to be encoded", async () => {
    const { client } = await open();
    for (const Key of ["a/b", "a b+c", "ü/€/😀", "~!*'()&=?#%2F;:@,$"]) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: `content of ${Key}` }));
      expect(await textOf(client, Key)).toBe(`content of ${Key}`);
    }
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, EncodingType: "url" }));
    expect(Contents?.map(({ Key = "" }) => decodeURIComponent(Key.replaceAll("+", " ")))).toEqual([
      "a b+c",
      "a/b",
      "~!*'()&=?#%2F;:@,$",
      "ü/€/😀",
    ]);
  });

  it("gives ranges, and refuses those behind the end", async () => {
    const { client } = await open();
    await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "0123456789" }));
    expect(await textOf(client, "a", "bytes=3-5")).toBe("345");
    expect(await textOf(client, "a", "bytes=7-")).toBe("789");
    await expect(textOf(client, "a", "bytes=10-")).rejects.toMatchObject({ name: "InvalidRange" });
  });

  it("lists page by page, with folders once, also where pages are short or empty", async () => {
    const { s3, client } = await open();
    for (const key of ["a", "b/1", "b/2", "b0", "c/1", "d"]) s3.bucket(Bucket).put(key, Buffer.from(key), 0);
    let pages = 0;
    s3.options.pageLimit = () => pages++ % 2;
    const listed: string[] = [];
    let token: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Delimiter: "/", ContinuationToken: token }),
      );
      listed.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
      listed.push(...(page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    expect(listed).toEqual(["a", "b/", "b0", "c/", "d"]);
    expect(pages).toBeGreaterThan(9);
  });

  it("joins parts, and refuses small ones", async () => {
    const { s3, client } = await open();
    const upload = async (sizes: readonly number[]) => {
      const Key = "big";
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      for (const [index, size] of sizes.entries())
        await client.send(
          new UploadPartCommand({
            Bucket,
            Key,
            UploadId,
            PartNumber: index + 1,
            Body: Buffer.alloc(size, index),
          }),
        );
      const { Parts } = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }));
      return client.send(
        new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
      );
    };
    await expect(upload([5, 5])).rejects.toMatchObject({ name: "EntityTooSmall" });
    const { ETag } = await upload([5 * 1024 * 1024, 7]);
    expect(ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    expect(s3.objects(Bucket).get("big")?.body.length).toBe(5 * 1024 * 1024 + 7);
    expect(s3.uploads(Bucket).size).toBe(1);
  });

  it("copies, deletes many, and keeps what was there before in a bucket with versions", async () => {
    const { s3, client } = await open();
    s3.bucket(Bucket).versioning = "on";
    await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "one" }));
    await client.send(new CopyObjectCommand({ Bucket, Key: "b", CopySource: `${Bucket}/a` }));
    expect(await textOf(client, "b")).toBe("one");
    const gone = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a" }, { Key: "nothing" }] } }),
    );
    expect(gone.Deleted?.map(({ Key }) => Key)).toEqual(["a", "nothing"]);
    await expect(textOf(client, "a")).rejects.toMatchObject({ name: "NoSuchKey" });
    const versions = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: "a" }));
    expect(versions.Versions?.map(({ IsLatest, Size }) => ({ IsLatest, Size }))).toEqual([
      { IsLatest: false, Size: 3 },
    ]);
    expect(versions.DeleteMarkers?.map(({ IsLatest }) => IsLatest)).toEqual([true]);
  });

  it("puts only what is not there yet, if asked so", async () => {
    const { client } = await open();
    const put = () => client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "x", IfNoneMatch: "*" }));
    await put();
    await expect(put()).rejects.toMatchObject({ name: "PreconditionFailed" });
  });

  it("lets anybody read by a presigned address until it expires, but not ask for less", async () => {
    const { s3, client } = await open();
    await client.send(new PutObjectCommand({ Bucket, Key: "a b", Body: "x" }));
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: "a b" }), { expiresIn: 60 });
    expect(await (await fetch(url)).text()).toBe("x");
    expect((await fetch(url, { method: "HEAD" })).status).toBe(403);
    s3.options.clockSkewMs = 61_000;
    expect((await fetch(url)).status).toBe(403);
  });

  it.each<[string, S3ServerOptions, string]>([
    ["a wrong secret", { secretKey: "another" }, "SignatureDoesNotMatch"],
    ["an unknown key id", { accessKey: "another" }, "InvalidAccessKeyId"],
    ["a clock that is off", { clockSkewMs: 16 * 60_000 }, "RequestTimeTooSkewed"],
    ["a session that has expired", { hasExpired: true }, "ExpiredToken"],
    ["a bucket that is elsewhere", { bucketRegion: "eu-west-1" }, "PermanentRedirect"],
  ])("refuses %s", async (_, options, name) => {
    const { s3, client } = await open();
    Object.assign(s3.options, options);
    await expect(textOf(client, "a")).rejects.toMatchObject({ name });
    expect(s3.requests.at(-1)?.status).toBeGreaterThan(300);
  });
});

describe("faults of the S3 server of the tests", () => {
  it.each<[FaultKind, boolean]>([
    ["slow-down", false],
    ["internal-error", false],
    ["reset-before", false],
    ["reset-after", true],
    ["cut-body", true],
  ])("%s fails a PUT; it had its effect: %s", async (fault, hasEffect) => {
    const { s3, client } = await open({ faults: faultsByPlan([{ fault }]) });
    await expect(client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "x" }))).rejects.toThrow();
    expect(s3.objects(Bucket).has("a")).toBe(hasEffect);
    expect(s3.requests.map((request) => request.fault)).toEqual([fault]);
  });

  it("breaks off an object's body", async () => {
    const { s3, client } = await open({ faults: faultsByPlan([{ fault: "cut-body" }]) });
    s3.bucket(Bucket).put("a", Buffer.alloc(1000), 0);
    await expect(textOf(client, "a")).rejects.toThrow();
  });

  it("cuts a listing short, though HTTP calls it whole", async () => {
    const { s3 } = await open();
    s3.bucket(Bucket).put("a", Buffer.alloc(1000), 0);
    const url = (client: S3Client) => getSignedUrl(client, new ListObjectsV2Command({ Bucket }));
    s3.options.faults = faultsByPlan([{ fault: "truncated-xml" }]);
    const answer = await fetch(await url(clientOf(s3)));
    expect(answer.status).toBe(200);
    expect(await answer.text()).not.toContain("</ListBucketResult>");
  });

  it("answers a copy with an error behind a 200, and has copied nothing", async () => {
    const { s3, client } = await open({ faults: faultsByPlan([{ fault: "error-in-200" }]) });
    s3.bucket(Bucket).put("a", Buffer.from("x"), 0);
    const copy = new CopyObjectCommand({ Bucket, Key: "b", CopySource: `${Bucket}/a` });
    await expect(client.send(copy)).rejects.toMatchObject({ name: "InternalError" });
    expect(s3.objects(Bucket).has("b")).toBe(false);
  });

  it("fails some keys of a bulk delete", async () => {
    const { s3, client } = await open({ faults: faultsByPlan([{ fault: "failing-keys" }]) });
    for (const key of ["a", "b", "c", "d"]) s3.bucket(Bucket).put(key, Buffer.from("x"), 0);
    const Objects = ["a", "b", "c", "d"].map((Key) => ({ Key }));
    const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Errors?.map(({ Key }) => Key)).toEqual(["a", "d"]);
    expect([...s3.objects(Bucket).keys()]).toEqual(["a", "d"]);
  });
});

async function open(options: S3ServerOptions = {}): Promise<{ s3: S3Server; client: S3Client }> {
  const s3 = await startS3Server(options);
  const client = clientOf(s3);
  onTestFinished(async () => {
    client.destroy();
    await s3.close();
  });
  return { s3, client };
}

function clientOf({ endpoint }: S3Server): S3Client {
  return new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "testaccess", secretAccessKey: "testsecret1234567890" },
    maxAttempts: 1,
  });
}

async function textOf(client: S3Client, Key: string, Range?: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range ? { Range } : {}) }));
  return (await Body?.transformToString()) ?? "";
}
