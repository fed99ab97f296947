import type { S3StorageSettings } from "../../config/settings.ts";
import type { StorageDriver } from "../driver.ts";
import type { OpenOptions } from "../open-driver.ts";
import { createS3Store } from "./create-s3-store.ts";
import { S3Driver } from "./s3-driver.ts";

/** Opens a bucket. Nothing is asked of it; retries and limits are kept below the driver. */
export function openS3Driver(settings: S3StorageSettings, options: OpenOptions): StorageDriver {
  const { rateFolder, env, onNotice, onRequest } = options;
  return new S3Driver(createS3Store(settings, { rateFolder, env, onNotice, onRequest }));
}
