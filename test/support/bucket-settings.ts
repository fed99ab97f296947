import type { S3StorageSettings } from "../../src/config/settings.ts";
import { s3Settings } from "./s3-server/settings.ts";

const PLACE = { endpoint: "", bucket: "registry", region: "us-east-1", accessKey: "", secretKey: "" };

/** Settings of the bucket `registry` on AWS, without keys, for tests that ask nothing of it. */
export function bucketSettings(changes: Partial<S3StorageSettings> = {}): S3StorageSettings {
  return s3Settings(PLACE, { credentials: undefined, pathStyle: false, ...changes });
}
