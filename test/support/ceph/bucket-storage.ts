import type { TestBucket } from "./test-bucket.ts";

/** Lines of a config file's `storage` section for a bucket, as both this program and the Go registry read them. */
export function bucketStorage(
  bucket: Pick<TestBucket, "name" | "endpoint" | "accessKey" | "secretKey">,
  options: { redirect?: boolean; more?: Readonly<Record<string, string | number>> } = {},
): string {
  const keys = {
    region: "us-east-1",
    bucket: bucket.name,
    regionendpoint: bucket.endpoint,
    accesskey: bucket.accessKey,
    secretkey: bucket.secretKey,
    secure: "false",
    forcepathstyle: "true",
    rootdirectory: "/images",
    ...options.more,
  };
  const lines = Object.entries(keys).map(([key, value]) => `    ${key}: ${value}\n`);
  return `  s3:\n${lines.join("")}  redirect:\n    disable: ${options.redirect !== true}\n`;
}
