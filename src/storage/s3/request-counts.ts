import type { S3Request } from "./s3-lane.ts";

/** Adds one request to the counts. */
export function countRequest(requests: Record<string, number>, kind: string): void {
  requests[kind] = (requests[kind] ?? 0) + 1;
}

/** @returns what a request of the lane is counted as */
export function kindOfRequest(request: S3Request): string {
  const { method, key, query = {}, headers = {} } = request;
  if (key === undefined) return kindOfBucketRequest(method, query);
  const isUpload = "uploadId" in query;
  switch (method) {
    case "GET":
      return isUpload ? "LIST parts" : "GET object";
    case "HEAD":
      return "HEAD object";
    case "PUT": {
      const verb = "x-amz-copy-source" in headers ? "COPY" : "PUT";
      return isUpload ? `${verb} part` : `${verb} object`;
    }
    case "POST":
      return isUpload ? "FINISH upload" : "START upload";
    case "DELETE":
      return isUpload ? "ABORT upload" : "DELETE object";
  }
}

function kindOfBucketRequest(method: string, query: Readonly<Record<string, string>>): string {
  if (method === "POST" && "delete" in query) return "DELETE many";
  if (method !== "GET") return `${method} bucket`;
  if ("list-type" in query) return "LIST";
  if ("uploads" in query) return "LIST uploads";
  return "versions" in query ? "LIST versions" : "GET bucket";
}

/**
 * @param command - the SDK's name of a command, such as `UploadPartCommand`
 * @returns what one of its requests is counted as, in the same words as those of the lane
 */
export function kindOfCommand(command: string): string {
  const name = command.replace(/Command$/, "");
  return KINDS[name] ?? name;
}

const KINDS: Readonly<Record<string, string>> = {
  AbortMultipartUpload: "ABORT upload",
  CompleteMultipartUpload: "FINISH upload",
  CopyObject: "COPY object",
  CreateMultipartUpload: "START upload",
  DeleteObject: "DELETE object",
  DeleteObjects: "DELETE many",
  GetObject: "GET object",
  HeadBucket: "HEAD bucket",
  HeadObject: "HEAD object",
  ListMultipartUploads: "LIST uploads",
  ListObjectVersions: "LIST versions",
  ListObjectsV2: "LIST",
  ListParts: "LIST parts",
  PutObject: "PUT object",
  UploadPart: "PUT part",
  UploadPartCopy: "COPY part",
};
