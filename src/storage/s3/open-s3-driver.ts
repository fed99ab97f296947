import type { S3StorageSettings } from "../../config/settings.ts";
import { StorageUnavailableError } from "../../errors.ts";
import type { StorageDriver } from "../driver.ts";
import type { OpenOptions } from "../open-driver.ts";

/** Opens a bucket. */
export function openS3Driver(settings: S3StorageSettings, _options: OpenOptions): StorageDriver {
  throw new StorageUnavailableError(`s3: ${settings.bucket} cannot be opened yet`);
}
