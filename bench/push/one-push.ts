import { createReadStream } from "node:fs";
import type { TestBucket } from "../../test/support/ceph/test-bucket.ts";
import { programPath } from "../../test/support/programs.ts";
import { runProgram } from "../gc/run-program.ts";
import { type PushWay, pushBlob } from "./push-blob.ts";
import type { PushedFile } from "./pushed-file.ts";

const READ_BYTES = 1 << 20;

/**
 * Pushes the file as a blob that the registry does not have.
 *
 * @param url - of the server
 * @returns how many seconds it took
 * @throws {Error} if the server does not take it
 */
export async function measurePush(url: string, way: PushWay, file: PushedFile): Promise<number> {
  const digest = await file.change(`${way} ${Date.now()}`);
  const { path, sizeBytes } = file;
  const open = () => createReadStream(path, { highWaterMark: READ_BYTES });
  const began = performance.now();
  await pushBlob(url, way, { digest, sizeBytes, open });
  return (performance.now() - began) / 1000;
}

/**
 * Copies the file into the bucket by `aws s3 cp`.
 *
 * @returns how many seconds the process took
 * @throws {Error} if it fails
 */
export async function measureAwsCopy(
  bucket: TestBucket,
  file: PushedFile,
  signal: AbortSignal,
): Promise<number> {
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
  return (performance.now() - began) / 1000;
}
