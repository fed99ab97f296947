import type { S3StorageSettings } from "../../config/settings.ts";

const MD5 = /^[0-9a-f]{32}$/;

/**
 * Tells whether the ETags of a store's objects may be MD5s of their contents. Those of objects that are encrypted with a
 * key of KMS look the same and are none.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
export function hasMd5Etags({ encryption }: S3StorageSettings): boolean {
  return encryption?.kind !== "aws:kms";
}

/**
 * @param etag - of an object, without its quotes
 * @returns the MD5 of its content; undefined if the ETag cannot be one, as where the object came in parts
 */
export function md5OfEtag(etag: string): string | undefined {
  return MD5.test(etag) ? etag : undefined;
}
