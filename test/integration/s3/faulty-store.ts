import { onTestFinished } from "vitest";
import type { S3StorageSettings } from "../../../src/config/settings.ts";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "../../support/s3-server/s3-server.ts";

/** A server whose answers go wrong, for the time of a test. */
export async function faultyServer(options: S3ServerOptions = {}): Promise<S3Server> {
  const s3 = await startS3Server(options);
  onTestFinished(() => s3.close());
  return s3;
}

/** A driver for a bucket of that server which does not wait before it tries again. */
export function impatientDriver(
  s3: S3Server,
  bucket: string,
  changes: Partial<S3StorageSettings> = {},
): S3Driver {
  const store = createS3Store(s3.settings(bucket, changes), {
    random: () => 0,
  });
  return new S3Driver(store);
}

/** A driver that waits for an answer for no longer than a moment. */
export function hastyDriver(s3: S3Server, bucket: string): S3Driver {
  const timeouts = { connectMs: 1000, headersMs: 1000, bodyMs: 1000 };
  return new S3Driver(createS3Store(s3.settings(bucket), { random: () => 0, timeouts }));
}

/** What lies in a bucket, by path. */
export function filesIn(s3: S3Server, bucket: string): Map<string, Buffer> {
  return new Map([...s3.objects(bucket)].map(([key, { body }]) => [`/${key}`, body]));
}

/**
 * How often a property is tried out: a few times in each run of the tests, more often where somebody wants to know, by
 * the environment variable `REGISTRY_CTL_FAULT_RUNS`.
 */
export function runs(count: number): { numRuns: number } {
  return { numRuns: count * Number(process.env["REGISTRY_CTL_FAULT_RUNS"] ?? 1) };
}

let lastBucket = 0;

/** A bucket that nobody else uses. */
export function newBucket(s3: S3Server): string {
  lastBucket += 1;
  return s3.bucket(`bucket-${lastBucket}`).name;
}
