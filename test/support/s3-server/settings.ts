import type { S3StorageSettings } from "../../../src/config/settings.ts";

/** Where a bucket is and who may use it. */
export interface S3Place {
  endpoint: string;
  bucket: string;
  region: string;
  accessKey: string;
  secretKey: string;
  sessionToken?: string | undefined;
}

/** Settings of a driver for a bucket of a compatible server, as `config.yml` would come to: path style, few retries. */
export function s3Settings(place: S3Place, changes: Partial<S3StorageSettings> = {}): S3StorageSettings {
  const { endpoint, bucket, region, accessKey, secretKey, sessionToken = "" } = place;
  return {
    ...{ driver: "s3", region, bucket, endpoint, redirectEndpoint: "" },
    credentials: { accessKey, secretKey, sessionToken },
    ...{ rootDirectory: "", pathStyle: true, accelerate: false, dualStack: false, fips: false },
    ...{ skipVerify: false, userAgent: "", encryption: undefined, storageClass: "", objectAcl: "" },
    checksums: { when: "supported", algorithm: "CRC32" },
    ...{ maxRequestsPerSecond: 0, maxRetries: 5, chunkBytes: 10 * 1024 * 1024 },
    copy: { chunkBytes: 32 * 1024 * 1024, concurrency: 10, thresholdBytes: 32 * 1024 * 1024 },
    logLevel: "off",
    ...changes,
  };
}
