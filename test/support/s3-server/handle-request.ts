import type { Bucket } from "./bucket.ts";
import { listObjects, listUploads, listVersions, type PageLimit } from "./listing.ts";
import { abortUpload, completeUpload, createUpload, listParts, uploadPart } from "./multipart.ts";
import { copyObject, deleteObject, deleteObjects, getObject, type Habits, putObject } from "./objects.ts";
import { element, Refusal, type Reply, xmlReply } from "./reply.ts";
import type { ServedRequest } from "./request.ts";

/** What an operation needs beside its bucket. */
export interface Surroundings {
  nowMs: number;
  region: string;
  habits: Habits;
  pageLimit: PageLimit;
  /** Tells of a key in a bulk delete whether it fails by itself. */
  failingKey: (key: string) => Refusal | undefined;
}

/**
 * Does what a request asks, at once and as a whole.
 *
 * @throws {Refusal} if it is refused; then nothing has changed
 */
export function handleRequest(bucket: Bucket, request: ServedRequest, around: Surroundings): Reply {
  const { nowMs, habits } = around;
  switch (request.operation) {
    case "GetObject":
    case "HeadObject":
      return getObject(bucket, request);
    case "PutObject":
      return putObject(bucket, request, nowMs, habits);
    case "CopyObject":
      return copyObject(bucket, request, nowMs, habits);
    case "DeleteObject":
      return deleteObject(bucket, request, nowMs);
    case "DeleteObjects":
      return deleteObjects(bucket, request, nowMs, around.failingKey);
    case "ListObjectsV2":
      return listObjects(bucket, request, around.pageLimit);
    case "ListObjectVersions":
      return listVersions(bucket, request);
    case "ListMultipartUploads":
      return listUploads(bucket, request);
    case "ListParts":
      return listParts(bucket, request);
    case "CreateMultipartUpload":
      return createUpload(bucket, request, nowMs);
    case "UploadPart":
    case "UploadPartCopy":
      return uploadPart(bucket, request, nowMs);
    case "CompleteMultipartUpload":
      return completeUpload(bucket, request, nowMs, habits);
    case "AbortMultipartUpload":
      return abortUpload(bucket, request);
    default:
      return describeBucket(bucket, request, around);
  }
}

function describeBucket(
  bucket: Bucket,
  { operation, method }: ServedRequest,
  { region }: Surroundings,
): Reply {
  switch (operation) {
    case "HeadBucket":
      return { status: 200, headers: { "x-amz-bucket-region": region } };
    case "GetBucketLocation":
      return xmlReply("LocationConstraint", region);
    case "GetBucketVersioning": {
      const status = { off: "", on: element("Status", "Enabled"), suspended: element("Status", "Suspended") };
      return xmlReply("VersioningConfiguration", status[bucket.versioning]);
    }
    case "GetBucketLifecycleConfiguration":
      if (bucket.lifecycle === undefined)
        throw new Refusal(404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist");
      return { status: 200, headers: { "content-type": "application/xml" }, body: bucket.lifecycle };
    case "GetObjectLockConfiguration":
      throw new Refusal(404, "ObjectLockConfigurationNotFoundError", "There is no object lock");
    default:
      throw new Refusal(501, "NotImplemented", `${method} of this kind is not implemented`);
  }
}
