import type { IncomingMessage } from "node:http";
import { Refusal } from "./reply.ts";

/** A request to the server, read to its end. */
export interface ServedRequest {
  method: string;
  /** Empty for the list of all buckets. */
  bucket: string;
  /** Empty for the bucket itself. */
  key: string;
  query: URLSearchParams;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Decoded: without the frames of `aws-chunked`. */
  body: Buffer;
  /** The path as it was sent, for its signature. */
  rawPath: string;
  operation: Operation;
}

/** What is asked for, by the names of S3's API. */
export type Operation =
  | "GetObject"
  | "HeadObject"
  | "PutObject"
  | "CopyObject"
  | "DeleteObject"
  | "DeleteObjects"
  | "ListObjectsV2"
  | "ListObjectVersions"
  | "ListMultipartUploads"
  | "ListParts"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "UploadPartCopy"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "HeadBucket"
  | "GetBucketVersioning"
  | "GetBucketLifecycleConfiguration"
  | "GetBucketLocation"
  | "GetObjectLockConfiguration"
  | "Unknown";

/**
 * Takes a request apart. The bucket is the first part of the path, or the first label of a host name that begins with
 * one of the buckets.
 *
 * @throws {Refusal} if the path is no UTF-8
 */
export function parseRequest(message: IncomingMessage, buckets: ReadonlySet<string>): ServedRequest {
  const url = message.url ?? "/";
  const mark = url.indexOf("?");
  const rawPath = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, String(value)]),
  );
  const { bucket, key } = addressOf(decodePath(rawPath), headers["host"] ?? "", buckets);
  const method = message.method ?? "GET";
  const operation = operationOf(method, key, query, headers);
  return { method, bucket, key, query, headers, body: Buffer.alloc(0), rawPath, operation };
}

function decodePath(rawPath: string): string {
  try {
    return decodeURIComponent(rawPath);
  } catch (cause) {
    throw new Refusal(400, "InvalidURI", `the path cannot be decoded: ${String(cause)}`);
  }
}

function addressOf(path: string, host: string, buckets: ReadonlySet<string>) {
  const [label = ""] = host.split(".");
  if (buckets.has(label)) return { bucket: label, key: path.slice(1) };
  const slash = path.indexOf("/", 1);
  return slash < 0
    ? { bucket: path.slice(1), key: "" }
    : { bucket: path.slice(1, slash), key: path.slice(slash + 1) };
}

function operationOf(
  method: string,
  key: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string>>,
): Operation {
  return key === ""
    ? bucketOperation(method, query)
    : objectOperation(method, query, "x-amz-copy-source" in headers);
}

function bucketOperation(method: string, query: URLSearchParams): Operation {
  if (method === "HEAD") return "HeadBucket";
  if (method === "POST") return query.has("delete") ? "DeleteObjects" : "Unknown";
  if (method !== "GET") return "Unknown";
  if (query.has("versioning")) return "GetBucketVersioning";
  if (query.has("lifecycle")) return "GetBucketLifecycleConfiguration";
  if (query.has("location")) return "GetBucketLocation";
  if (query.has("object-lock")) return "GetObjectLockConfiguration";
  if (query.has("versions")) return "ListObjectVersions";
  if (query.has("uploads")) return "ListMultipartUploads";
  return query.get("list-type") === "2" ? "ListObjectsV2" : "Unknown";
}

function objectOperation(method: string, query: URLSearchParams, isCopy: boolean): Operation {
  const isPart = query.has("uploadId");
  switch (method) {
    case "GET":
      return isPart ? "ListParts" : "GetObject";
    case "HEAD":
      return "HeadObject";
    case "DELETE":
      return isPart ? "AbortMultipartUpload" : "DeleteObject";
    case "POST":
      if (query.has("uploads")) return "CreateMultipartUpload";
      return isPart ? "CompleteMultipartUpload" : "Unknown";
    case "PUT":
      if (isPart) return isCopy ? "UploadPartCopy" : "UploadPart";
      return isCopy ? "CopyObject" : "PutObject";
    default:
      return "Unknown";
  }
}
