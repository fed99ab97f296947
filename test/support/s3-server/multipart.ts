import { type Bucket, md5, type StoredPart, type StoredUpload } from "./bucket.ts";
import { checkWriteConditions, copySourceOf, type Habits, keptHeaders } from "./objects.ts";
import { element, insidesOf, Refusal, type Reply, textsOf, xmlReply } from "./reply.ts";
import type { ServedRequest } from "./request.ts";

const MAX_PARTS = 10_000;

/** Answers CreateMultipartUpload. */
export function createUpload(bucket: Bucket, request: ServedRequest, nowMs: number): Reply {
  const uploadId = bucket.newId("upload-");
  bucket.uploads.set(uploadId, {
    ...{ uploadId, key: request.key, startedMs: nowMs, parts: new Map() },
    headers: keptHeaders(request.headers),
  });
  return xmlReply(
    "InitiateMultipartUploadResult",
    `${element("Bucket", bucket.name)}${element("Key", request.key)}${element("UploadId", uploadId)}`,
  );
}

/** Answers UploadPart and UploadPartCopy. */
export function uploadPart(bucket: Bucket, request: ServedRequest, nowMs: number): Reply {
  const upload = uploadOf(bucket, request);
  const number = Number(request.query.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS)
    throw new Refusal(400, "InvalidArgument", `Part number must be an integer between 1 and ${MAX_PARTS}`);
  const isCopy = request.operation === "UploadPartCopy";
  const body = isCopy ? copiedRange(bucket, request) : request.body;
  const part: StoredPart = { body, etag: md5(body), modifiedMs: nowMs };
  upload.parts.set(number, part);
  if (!isCopy) return { status: 200, headers: { etag: `"${part.etag}"` } };
  return xmlReply(
    "CopyPartResult",
    `${element("LastModified", new Date(nowMs).toISOString())}${element("ETag", `"${part.etag}"`)}`,
  );
}

/** Answers CompleteMultipartUpload. The upload is gone afterwards: who asks again is told so. */
export function completeUpload(bucket: Bucket, request: ServedRequest, nowMs: number, habits: Habits): Reply {
  const upload = uploadOf(bucket, request);
  checkWriteConditions(bucket, request, habits);
  const parts = chosenParts(upload, request.body.toString("utf8"));
  if (parts.slice(0, -1).some((part) => part.body.length < habits.minPartBytes))
    throw new Refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
  const digests = Buffer.concat(parts.map((part) => Buffer.from(part.etag, "hex")));
  const etag = `${md5(digests)}-${parts.length}`;
  const body = Buffer.concat(parts.map((part) => part.body));
  bucket.put(upload.key, body, nowMs, { etag, headers: upload.headers });
  bucket.uploads.delete(upload.uploadId);
  return xmlReply(
    "CompleteMultipartUploadResult",
    [
      element("Location", `http://localhost/${bucket.name}/${upload.key}`),
      element("Bucket", bucket.name),
      element("Key", upload.key),
      element("ETag", habits.hidesCompletedEtag ? "" : `"${etag}"`),
    ].join(""),
  );
}

/** Answers AbortMultipartUpload. */
export function abortUpload(bucket: Bucket, request: ServedRequest): Reply {
  bucket.uploads.delete(uploadOf(bucket, request).uploadId);
  return { status: 204 };
}

/** Answers ListParts. */
export function listParts(bucket: Bucket, request: ServedRequest): Reply {
  const { parts, key, uploadId } = uploadOf(bucket, request);
  const after = Number(request.query.get("part-number-marker") ?? 0);
  const wanted = Math.min(Number(request.query.get("max-parts") ?? 1000), 1000);
  const found = [...parts].filter(([number]) => number > after).sort(([one], [other]) => one - other);
  const page = found.slice(0, wanted);
  const isTruncated = page.length < found.length;
  return xmlReply(
    "ListPartsResult",
    [
      element("Bucket", bucket.name),
      element("Key", key),
      element("UploadId", uploadId),
      element("PartNumberMarker", after),
      element("NextPartNumberMarker", page.at(-1)?.[0] ?? 0),
      element("MaxParts", wanted),
      element("IsTruncated", isTruncated),
      ...page.map(
        ([number, part]) =>
          `<Part>${element("PartNumber", number)}${element("LastModified", new Date(part.modifiedMs).toISOString())}${element("ETag", `"${part.etag}"`)}${element("Size", part.body.length)}</Part>`,
      ),
    ].join(""),
  );
}

function uploadOf(bucket: Bucket, { key, query }: ServedRequest): StoredUpload {
  const upload = bucket.uploads.get(query.get("uploadId") ?? "");
  if (upload === undefined || upload.key !== key)
    throw new Refusal(404, "NoSuchUpload", "The specified multipart upload does not exist.");
  return upload;
}

function chosenParts(upload: StoredUpload, xml: string): StoredPart[] {
  const wanted = insidesOf(xml, "Part").map((inside) => ({
    number: Number(textsOf(inside, "PartNumber")[0]),
    etag: (textsOf(inside, "ETag")[0] ?? "").replace(/^"|"$/g, ""),
  }));
  if (wanted.length === 0) throw new Refusal(400, "MalformedXML", "You must specify at least one part");
  if (wanted.some(({ number }, index) => number <= (wanted[index - 1]?.number ?? 0)))
    throw new Refusal(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
  return wanted.map(({ number, etag }) => {
    const part = upload.parts.get(number);
    if (part?.etag !== etag) throw new Refusal(400, "InvalidPart", `Part ${number} could not be found.`);
    return part;
  });
}

function copiedRange(bucket: Bucket, request: ServedRequest): Buffer {
  const source = copySourceOf(bucket, request);
  const range = request.headers["x-amz-copy-source-range"];
  if (range === undefined) return source.body;
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  if (first === undefined || last === undefined || Number(last) >= source.body.length)
    throw new Refusal(400, "InvalidArgument", `The range ${range} is not within the source`);
  return source.body.subarray(Number(first), Number(last) + 1);
}
