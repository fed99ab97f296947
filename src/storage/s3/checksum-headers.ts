import { getFips, hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { S3ChecksumSettings } from "../../config/settings.ts";
import { crc32c, crc64Nvme } from "./crc-tables.ts";
import type { S3Request } from "./s3-lane.ts";

/**
 * The checksums that go with a request. The signature covers each body already; what is sent beside it is kept by the
 * store with the object, and asked for where objects are locked. A removal of many keys needs one in any case: an MD5,
 * which all stores know.
 */
export function checksumHeaders(request: S3Request, settings: S3ChecksumSettings): Record<string, string> {
  const { method, body, headers = {}, query = {} } = request;
  if (body === undefined || hasChecksum(headers)) return {};
  if (method === "POST" && "delete" in query) return removalChecksum(body);
  const isObject = method === "PUT" && request.key !== undefined && !("x-amz-copy-source" in headers);
  if (!isObject || settings.when === "required") return {};
  // A part may have only the kind of checksum that its upload was begun with.
  if ("uploadId" in query && settings.algorithm === undefined) return {};
  const algorithm = settings.algorithm ?? "CRC32";
  return { [`x-amz-checksum-${algorithm.toLowerCase()}`]: CHECKSUMS[algorithm](body) };
}

const CHECKSUMS: Readonly<
  Record<NonNullable<S3ChecksumSettings["algorithm"]>, (body: Uint8Array) => string>
> = {
  CRC32: (body) => fourBytes(crc32(body)),
  CRC32C: (body) => fourBytes(crc32c(body)),
  CRC64NVME: crc64Nvme,
  SHA1: (body) => hash("sha1", body, "base64"),
  SHA256: (body) => hash("sha256", body, "base64"),
};

function hasChecksum(headers: Readonly<Record<string, string>>): boolean {
  for (const name in headers) {
    if (name === "content-md5" || name.startsWith("x-amz-checksum-")) return true;
  }
  return false;
}

/** Where only approved algorithms may be used there is no MD5. */
function removalChecksum(body: Uint8Array): Record<string, string> {
  return getFips() === 1
    ? { "x-amz-checksum-sha256": hash("sha256", body, "base64") }
    : { "content-md5": hash("md5", body, "base64") };
}

function fourBytes(value: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes.toString("base64");
}
