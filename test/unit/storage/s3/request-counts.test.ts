import { expect, test } from "vitest";
import { countRequest, kindOfCommand, kindOfRequest } from "../../../../src/storage/s3/request-counts.ts";
import type { S3Request } from "../../../../src/storage/s3/s3-lane.ts";

const part = { uploadId: "u", partNumber: "1" };
const copy = { "x-amz-copy-source": "b/k" };

test.each<[S3Request, string, string]>([
  [{ method: "GET", key: "a" }, "GET object", "GetObjectCommand"],
  [{ method: "HEAD", key: "a" }, "HEAD object", "HeadObjectCommand"],
  [{ method: "PUT", key: "a" }, "PUT object", "PutObjectCommand"],
  [{ method: "PUT", key: "a", headers: copy }, "COPY object", "CopyObjectCommand"],
  [{ method: "PUT", key: "a", query: part }, "PUT part", "UploadPartCommand"],
  [{ method: "PUT", key: "a", query: part, headers: copy }, "COPY part", "UploadPartCopyCommand"],
  [{ method: "DELETE", key: "a" }, "DELETE object", "DeleteObjectCommand"],
  [{ method: "POST", query: { delete: "" } }, "DELETE many", "DeleteObjectsCommand"],
  [{ method: "GET", query: { "list-type": "2" } }, "LIST", "ListObjectsV2Command"],
  [{ method: "GET", query: { versions: "" } }, "LIST versions", "ListObjectVersionsCommand"],
  [{ method: "GET", query: { uploads: "" } }, "LIST uploads", "ListMultipartUploadsCommand"],
  [{ method: "GET", key: "a", query: { uploadId: "u" } }, "LIST parts", "ListPartsCommand"],
  [{ method: "POST", key: "a", query: { uploads: "" } }, "START upload", "CreateMultipartUploadCommand"],
  [{ method: "POST", key: "a", query: { uploadId: "u" } }, "FINISH upload", "CompleteMultipartUploadCommand"],
  [{ method: "DELETE", key: "a", query: { uploadId: "u" } }, "ABORT upload", "AbortMultipartUploadCommand"],
  [{ method: "HEAD" }, "HEAD bucket", "HeadBucketCommand"],
])("%j is counted as %s, by the lane and by the SDK", (request, kind, command) => {
  expect(kindOfRequest(request)).toBe(kind);
  expect(kindOfCommand(command)).toBe(kind);
});

test("counts by kind", () => {
  const requests: Record<string, number> = {};
  for (const kind of ["LIST", "GET object", "LIST"]) countRequest(requests, kind);
  expect(requests).toEqual({ LIST: 2, "GET object": 1 });
});
