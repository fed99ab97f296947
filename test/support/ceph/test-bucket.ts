import { randomUUID } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import type { S3StorageSettings } from "../../../src/config/settings.ts";
import { s3Settings } from "../s3-server/settings.ts";
import type { CephVersion } from "./ceph-versions.ts";
import { sharedRgw } from "./shared-rgw.ts";
import type { RgwAddress } from "./start-rgw.ts";

/** A bucket of one test. */
export interface TestBucket extends RgwAddress {
  readonly name: string;
  /** Another way to look into it than ours. */
  readonly client: S3Client;
  /** As a configuration that names it would be read. */
  settings(more?: Partial<S3StorageSettings>): S3StorageSettings;
  /** All keys, in order. */
  listKeys(): Promise<string[]>;
  /** Removes it with all that is in it: versions and unfinished uploads too. Harmless if called again. */
  remove(): Promise<void>;
}

const MEBIBYTE = 1024 * 1024;

/** A new bucket on the shared gateway, which goes when the test that asks for it ends. */
export async function bucketOfTest(version: CephVersion): Promise<TestBucket> {
  const bucket = await makeBucket(await sharedRgw(version));
  onTestFinished(() => bucket.remove());
  return bucket;
}

/** A new bucket, which the caller removes. */
export async function makeBucket(
  rgw: RgwAddress,
  options: { objectLock?: boolean } = {},
): Promise<TestBucket> {
  const name = `test-${randomUUID()}`;
  const client = clientOf(rgw);
  await client.send(
    new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: options.objectLock ?? false }),
  );
  return {
    ...rgw,
    name,
    client,
    settings: (more) => ({ ...settingsOf(rgw, name), ...more }),
    listKeys: () => listKeys(client, name),
    async remove() {
      await emptyBucket(client, name).then(
        () => client.send(new DeleteBucketCommand({ Bucket: name })),
        // Gone already, or held by retention: the gateway forgets everything when it ends.
        () => undefined,
      );
      client.destroy();
    },
  };
}

/** The SDK's own client; 16.2 takes no checksums that nobody asked for. */
function clientOf({ endpoint, accessKey, secretKey }: RgwAddress): S3Client {
  return new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
}

/** With Ceph 16.2 in mind: checksums only where they are demanded. */
function settingsOf(rgw: RgwAddress, bucket: string): S3StorageSettings {
  const { endpoint, accessKey, secretKey } = rgw;
  return s3Settings(
    { endpoint, bucket, region: "us-east-1", accessKey, secretKey },
    {
      checksums: { when: "required", algorithm: undefined },
      copy: { chunkBytes: 32 * MEBIBYTE, concurrency: 100, thresholdBytes: 32 * MEBIBYTE },
    },
  );
}

async function listKeys(client: S3Client, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket }))
    for (const object of page.Contents ?? []) keys.push(object.Key ?? "");
  return keys;
}

async function emptyBucket(client: S3Client, bucket: string): Promise<void> {
  const unfinished = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  for (const { Key, UploadId } of unfinished.Uploads ?? [])
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const versions = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    if (versions.length === 0) return;
    const Objects = versions.map(({ Key, VersionId }) => ({ Key, VersionId }));
    const { Errors } = await client.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    if ((Errors?.length ?? 0) > 0) throw new Error(`${bucket}: ${Errors?.[0]?.Message}`);
  }
}
