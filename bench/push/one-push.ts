import { createReadStream } from "node:fs";
import type { TestBucket } from "../../test/support/ceph/test-bucket.ts";
import { sampleTreeMemory } from "../../test/support/process-tree.ts";
import { programPath } from "../../test/support/programs.ts";
import type { ServerProcess } from "../../test/support/server-process.ts";
import { runProgram } from "../gc/run-program.ts";
import { type PushWay, pushBlob } from "./push-blob.ts";
import type { PushedFile } from "./pushed-file.ts";

/** What one push took. */
export interface OnePush {
  seconds: number;
  /** Memory of all processes of the server together, over what they had when they were idle; 0 for others. */
  growthBytes: number;
}

const READ_BYTES = 1 << 20;

/**
 * Pushes the file as a blob that the registry does not have.
 *
 * @param idleBytes - memory of the server before the first push
 * @throws {Error} if the server does not take it
 */
export async function measurePush(
  server: ServerProcess,
  way: PushWay,
  file: PushedFile,
  idleBytes: number,
): Promise<OnePush> {
  const digest = await file.change(`${way} ${Date.now()}`);
  const { path, sizeBytes } = file;
  const open = () => createReadStream(path, { highWaterMark: READ_BYTES });
  const stopSampling = sampleTreeMemory(server.pid);
  const began = performance.now();
  await pushBlob(server.url, way, { digest, sizeBytes, open });
  const seconds = (performance.now() - began) / 1000;
  return { seconds, growthBytes: (await stopSampling()) - idleBytes };
}

/** Copies the file into the bucket by `aws s3 cp`. @throws {Error} if that fails */
export async function measureAwsCopy(
  bucket: TestBucket,
  file: PushedFile,
  signal: AbortSignal,
): Promise<OnePush> {
  await file.change(`aws ${Date.now()}`);
  const began = performance.now();
  await runProgram(
    [
      "env",
      `AWS_ACCESS_KEY_ID=${bucket.accessKey}`,
      `AWS_SECRET_ACCESS_KEY=${bucket.secretKey}`,
      "AWS_DEFAULT_REGION=us-east-1",
      ...[programPath("aws"), "s3", "cp", "--only-show-errors", "--endpoint-url", bucket.endpoint],
      ...[file.path, `s3://${bucket.name}/aws/blob`],
    ],
    signal,
  );
  return { seconds: (performance.now() - began) / 1000, growthBytes: 0 };
}
