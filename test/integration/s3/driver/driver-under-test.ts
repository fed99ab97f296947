import { randomUUID } from "node:crypto";
import { onTestFinished } from "vitest";
import type { S3StorageSettings } from "../../../../src/config/settings.ts";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../../src/storage/s3/s3-driver.ts";
import type { Bucket } from "../../../support/s3-server/bucket.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "../../../support/s3-server/s3-server.ts";

/** A driver on a bucket of a server in memory, for the time of a test. */
export interface DriverUnderTest {
  s3: S3Server;
  bucket: Bucket;
  driver: S3Driver;
}

/** Starts a server and opens a bucket of it. The driver does not wait before it tries again. */
export async function openBucket(
  options: S3ServerOptions = {},
  changes: Partial<S3StorageSettings> = {},
): Promise<DriverUnderTest> {
  const s3 = await startS3Server(options);
  onTestFinished(() => s3.close());
  const bucket = s3.bucket(`b-${randomUUID()}`);
  const store = createS3Store(s3.settings(bucket.name, changes), { sleep: async () => undefined });
  return { s3, bucket, driver: new S3Driver(store) };
}

/** Fills a bucket with small objects, without asking the server. */
export function fill(bucket: Bucket, keys: Iterable<string>): void {
  for (const key of keys) bucket.put(key, Buffer.from(key), Date.now());
}
