import type { Bucket, StoredObject } from "./bucket.ts";
import { element, insidesOf, Refusal, type Reply, textsOf, xmlReply } from "./reply.ts";
import type { ServedRequest } from "./request.ts";

/** What stores do differently. */
export interface Habits {
  /** Conditions of a PUT are not looked at, as some stores do. */
  ignoresConditionalPuts: boolean;
  /** The ETag in the answer to CompleteMultipartUpload is empty. */
  hidesCompletedEtag: boolean;
  /** Only the last part may be smaller. */
  minPartBytes: number;
  /** What CopyObject copies at the most. */
  maxCopyBytes: number;
}

const MAX_BULK_KEYS = 1000;

/** Headers of a request that stay with its object and come back with it. */
const KEPT_HEADER =
  /^(content-type|cache-control|content-disposition|x-amz-(storage-class|server-side-encryption.*|acl|meta-.*))$/;

/** Answers GetObject and HeadObject. */
export function getObject(bucket: Bucket, request: ServedRequest): Reply {
  const object = objectOf(bucket, request.key);
  checkReadConditions(object, request.headers);
  const headers: Record<string, string> = {
    ...object.headers,
    etag: `"${object.etag}"`,
    "last-modified": new Date(object.modifiedMs).toUTCString(),
    "accept-ranges": "bytes",
    ...(object.versionId === "null" ? {} : { "x-amz-version-id": object.versionId }),
  };
  const range = rangeOf(request.headers["range"], object.body.length);
  if (range === undefined) return { status: 200, headers, body: object.body };
  const { first, last } = range;
  headers["content-range"] = `bytes ${first}-${last}/${object.body.length}`;
  return { status: 206, headers, body: object.body.subarray(first, last + 1) };
}

/** Answers PutObject. */
export function putObject(bucket: Bucket, request: ServedRequest, nowMs: number, habits: Habits): Reply {
  checkWriteConditions(bucket, request, habits);
  const object = bucket.put(request.key, request.body, nowMs, { headers: keptHeaders(request.headers) });
  return { status: 200, headers: { etag: `"${object.etag}"` } };
}

/** Answers CopyObject. */
export function copyObject(bucket: Bucket, request: ServedRequest, nowMs: number, habits: Habits): Reply {
  const source = copySourceOf(bucket, request);
  if (source.body.length > habits.maxCopyBytes)
    throw new Refusal(
      400,
      "InvalidRequest",
      "The specified copy source is larger than the maximum allowable size",
    );
  const object = bucket.put(request.key, source.body, nowMs, { headers: keptHeaders(request.headers) });
  return xmlReply(
    "CopyObjectResult",
    `${element("LastModified", new Date(nowMs).toISOString())}${element("ETag", `"${object.etag}"`)}`,
  );
}

/** Answers DeleteObject; what is not there is deleted well. */
export function deleteObject(bucket: Bucket, request: ServedRequest, nowMs: number): Reply {
  const versionId = request.query.get("versionId");
  if (versionId === null) bucket.remove(request.key, nowMs);
  else bucket.removeVersion(request.key, versionId);
  return { status: 204 };
}

/**
 * Answers DeleteObjects.
 *
 * @param failing - tells of a key whether it fails by itself
 */
export function deleteObjects(
  bucket: Bucket,
  request: ServedRequest,
  nowMs: number,
  failing: (key: string) => Refusal | undefined,
): Reply {
  const xml = request.body.toString("utf8");
  const { headers } = request;
  if (!("content-md5" in headers) && !Object.keys(headers).some((name) => name.startsWith("x-amz-checksum-")))
    throw new Refusal(400, "InvalidRequest", "Missing required header for this request: Content-MD5");
  const wanted = insidesOf(xml, "Object").map((inside) => ({
    key: textsOf(inside, "Key")[0] ?? "",
    versionId: textsOf(inside, "VersionId")[0],
  }));
  if (wanted.length === 0 || wanted.length > MAX_BULK_KEYS)
    throw new Refusal(400, "MalformedXML", `The request has ${wanted.length} keys`);
  const isQuiet = textsOf(xml, "Quiet")[0] === "true";
  const results = wanted.map(({ key, versionId }) => {
    const refusal = failing(key);
    if (refusal !== undefined)
      return `<Error>${element("Key", key)}${element("Code", refusal.code)}${element("Message", refusal.message)}</Error>`;
    if (versionId === undefined) bucket.remove(key, nowMs);
    else bucket.removeVersion(key, versionId);
    return isQuiet ? "" : `<Deleted>${element("Key", key)}</Deleted>`;
  });
  return xmlReply("DeleteResult", results.join(""));
}

/** @throws {Refusal} `NoSuchKey` */
export function objectOf(bucket: Bucket, key: string): StoredObject {
  const object = bucket.objects.get(key);
  if (object === undefined) throw new Refusal(404, "NoSuchKey", "The specified key does not exist.");
  return object;
}

/** The object that a copy is made from. Only copies within a bucket exist here. */
export function copySourceOf(bucket: Bucket, { headers }: ServedRequest): StoredObject {
  const path = decodeURIComponent((headers["x-amz-copy-source"] ?? "").replace(/^\//, ""));
  if (!path.startsWith(`${bucket.name}/`)) throw new Refusal(404, "NoSuchBucket", "The source is elsewhere.");
  const source = objectOf(bucket, path.slice(bucket.name.length + 1));
  const wanted = headers["x-amz-copy-source-if-match"];
  if (wanted !== undefined && unquoted(wanted) !== source.etag)
    throw new Refusal(412, "PreconditionFailed", "At least one of the pre-conditions did not hold");
  return source;
}

/** @throws {Refusal} `PreconditionFailed` */
export function checkWriteConditions(
  bucket: Bucket,
  { key, headers }: ServedRequest,
  { ignoresConditionalPuts }: Habits,
): void {
  if (ignoresConditionalPuts) return;
  const { "if-none-match": none, "if-match": match } = headers;
  if (match !== undefined) {
    if (unquoted(match) === objectOf(bucket, key).etag) return;
  } else if (none === undefined || !bucket.objects.has(key)) return;
  throw new Refusal(412, "PreconditionFailed", "At least one of the pre-conditions did not hold");
}

/** Those of a request that stay with its object. */
export function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => KEPT_HEADER.test(name)));
}

function checkReadConditions(object: StoredObject, headers: Readonly<Record<string, string>>): void {
  const match = headers["if-match"];
  if (match !== undefined && unquoted(match) !== object.etag)
    throw new Refusal(412, "PreconditionFailed", "At least one of the pre-conditions did not hold");
  if (unquoted(headers["if-none-match"] ?? "") === object.etag) throw new Refusal(304, "NotModified");
}

function rangeOf(header: string | undefined, size: number): { first: number; last: number } | undefined {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!parts || (parts[1] === "" && parts[2] === "")) return undefined;
  const [, start = "", end = ""] = parts;
  const first = start === "" ? Math.max(0, size - Number(end)) : Number(start);
  const last = start === "" || end === "" ? size - 1 : Math.min(Number(end), size - 1);
  if (first >= size || first > last)
    throw new Refusal(416, "InvalidRange", "The requested range is not satisfiable", {
      headers: { "content-range": `bytes */${size}` },
    });
  return { first, last };
}

function unquoted(etag: string): string {
  return etag.replace(/^"|"$/g, "");
}
