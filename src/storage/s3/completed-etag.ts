import { createHash, getFips } from "node:crypto";

const MD5_ETAG = /^"?([0-9a-f]{32})"?$/;

/**
 * Tells whether an object may be what a multipart upload has become whose completion was not answered, and not what was
 * there before. S3 makes the ETag of such an object of those of its parts; where those are no MD5 sums (parts encrypted by
 * KMS), only their number can be compared.
 *
 * @param etag - of the object
 * @param partEtags - in the order of the parts
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function isCompletedEtag(etag: string, partEtags: readonly (string | undefined)[]): boolean {
  const found = etag.replaceAll('"', "");
  const sums = partEtags.map((part) => MD5_ETAG.exec(part ?? "")?.[1]);
  // Where only approved algorithms may be used there is no MD5.
  if (sums.includes(undefined) || getFips() === 1) return found.endsWith(`-${partEtags.length}`);
  const digest = createHash("md5")
    .update(Buffer.from(sums.join(""), "hex"))
    .digest("hex");
  return found === `${digest}-${partEtags.length}`;
}
