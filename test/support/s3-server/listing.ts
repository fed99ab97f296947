import { type Bucket, compareKeys, type StoredObject, type StoredUpload, sortKeys } from "./bucket.ts";
import { element, Refusal, type Reply, xmlReply } from "./reply.ts";
import type { ServedRequest } from "./request.ts";

/** How many keys a page may have, whatever is asked for. */
export type PageLimit = (wanted: number) => number;

/** Answers ListObjectsV2. A page may be shorter than asked for, even empty, and yet not be the last. */
export function listObjects(bucket: Bucket, { query }: ServedRequest, limit: PageLimit): Reply {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const token = query.get("continuation-token");
  const encode = encoderOf(query);
  const { entries, isTruncated } = pageOf(bucket.keys(), {
    prefix,
    delimiter,
    after: token === null ? { text: query.get("start-after") ?? "", isPrefix: false } : readToken(token),
    count: limit(wantedKeys(query)),
  });
  const contents = entries.map((entry) => {
    const object = bucket.objects.get(entry.text);
    if (entry.isPrefix || object === undefined)
      return `<CommonPrefixes>${element("Prefix", encode(entry.text))}</CommonPrefixes>`;
    return `<Contents>${element("Key", encode(entry.text))}${describe(object)}</Contents>`;
  });
  const last = entries.at(-1) ?? (token === null ? startOf(query) : readToken(token));
  return xmlReply(
    "ListBucketResult",
    [
      element("Name", bucket.name),
      element("Prefix", encode(prefix)),
      delimiter === "" ? "" : element("Delimiter", encode(delimiter)),
      element("MaxKeys", wantedKeys(query)),
      element("KeyCount", entries.length),
      query.has("encoding-type") ? element("EncodingType", "url") : "",
      element("IsTruncated", isTruncated),
      isTruncated ? element("NextContinuationToken", writeToken(last)) : "",
      ...contents,
    ].join(""),
  );
}

/** Answers ListObjectVersions. */
export function listVersions(bucket: Bucket, { query }: ServedRequest): Reply {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("key-marker") ?? "";
  const encode = encoderOf(query);
  const keys = sortKeys(new Set([...bucket.objects.keys(), ...bucket.history.keys()])).filter(
    (key) => key.startsWith(prefix) && compareKeys(key, after) > 0,
  );
  const wanted = wantedKeys(query);
  const listed: string[] = [];
  let count = 0;
  let lastKey = "";
  // A key's versions are kept together, so that a page may be longer than asked for: no client may mind.
  for (const key of keys) {
    if (count >= wanted) break;
    const versions = versionsOf(bucket, key);
    listed.push(...versions.map((version) => version.replace("<Key/>", element("Key", encode(key)))));
    count += versions.length;
    lastKey = key;
  }
  const isTruncated = lastKey !== "" && lastKey !== keys.at(-1);
  return xmlReply(
    "ListVersionsResult",
    [
      element("Name", bucket.name),
      element("Prefix", encode(prefix)),
      element("IsTruncated", isTruncated),
      isTruncated ? element("NextKeyMarker", encode(lastKey)) : "",
      ...listed,
    ].join(""),
  );
}

/** Answers ListMultipartUploads. */
export function listUploads(bucket: Bucket, { query }: ServedRequest): Reply {
  const prefix = query.get("prefix") ?? "";
  const encode = encoderOf(query);
  const keyMarker = query.get("key-marker") ?? "";
  const idMarker = query.get("upload-id-marker") ?? "";
  const isAfter = ({ key, uploadId }: StoredUpload) => {
    const order = compareKeys(key, keyMarker);
    return order > 0 || (order === 0 && idMarker !== "" && uploadId > idMarker);
  };
  const found = [...bucket.uploads.values()]
    .filter((upload) => upload.key.startsWith(prefix) && isAfter(upload))
    .sort((one, other) => compareKeys(one.key, other.key) || (one.uploadId < other.uploadId ? -1 : 1));
  const page = found.slice(0, Number(query.get("max-uploads") ?? 1000));
  const last = page.at(-1);
  const isTruncated = page.length < found.length;
  return xmlReply(
    "ListMultipartUploadsResult",
    [
      element("Bucket", bucket.name),
      element("Prefix", encode(prefix)),
      element("IsTruncated", isTruncated),
      isTruncated && last ? element("NextKeyMarker", encode(last.key)) : "",
      isTruncated && last ? element("NextUploadIdMarker", last.uploadId) : "",
      ...page.map(
        (upload) =>
          `<Upload>${element("Key", encode(upload.key))}${element("UploadId", upload.uploadId)}${element("StorageClass", "STANDARD")}${element("Initiated", new Date(upload.startedMs).toISOString())}</Upload>`,
      ),
    ].join(""),
  );
}

interface Entry {
  text: string;
  isPrefix: boolean;
}

interface PageRequest {
  prefix: string;
  delimiter: string;
  after: Entry;
  count: number;
}

function pageOf(keys: readonly string[], { prefix, delimiter, after, count }: PageRequest) {
  const entries: Entry[] = [];
  let last = after;
  for (let at = firstAtOrAfter(keys, prefix); at < keys.length; at += 1) {
    const key = keys[at] ?? "";
    if (!key.startsWith(prefix)) break;
    if (compareKeys(key, last.text) <= 0 || (last.isPrefix && key.startsWith(last.text))) continue;
    if (entries.length >= count) return { entries, isTruncated: true };
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    last =
      end < 0
        ? { text: key, isPrefix: false }
        : { text: key.slice(0, end + delimiter.length), isPrefix: true };
    entries.push(last);
  }
  return { entries, isTruncated: false };
}

function firstAtOrAfter(keys: readonly string[], text: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle] ?? "", text) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function versionsOf(bucket: Bucket, key: string): string[] {
  const object = bucket.objects.get(key);
  const current =
    object === undefined
      ? []
      : [
          `<Version><Key/>${element("VersionId", object.versionId)}${element("IsLatest", true)}${describe(object)}</Version>`,
        ];
  const older = (bucket.history.get(key) ?? []).map((version, index) => {
    const isLatest = object === undefined && index === 0;
    const head = `<Key/>${element("VersionId", version.versionId)}${element("IsLatest", isLatest)}`;
    return version.object === undefined
      ? `<DeleteMarker>${head}${element("LastModified", new Date(version.modifiedMs).toISOString())}</DeleteMarker>`
      : `<Version>${head}${describe(version.object)}</Version>`;
  });
  return [...current, ...older];
}

function describe(object: StoredObject): string {
  return [
    element("LastModified", new Date(object.modifiedMs).toISOString()),
    element("ETag", `"${object.etag}"`),
    element("Size", object.body.length),
    element("StorageClass", object.headers["x-amz-storage-class"] ?? "STANDARD"),
  ].join("");
}

function wantedKeys(query: URLSearchParams): number {
  const wanted = Number(query.get("max-keys") ?? 1000);
  if (!Number.isSafeInteger(wanted) || wanted < 0) throw new Refusal(400, "InvalidArgument", "max-keys");
  return Math.min(wanted, 1000);
}

function startOf(query: URLSearchParams): Entry {
  return { text: query.get("start-after") ?? "", isPrefix: false };
}

function encoderOf(query: URLSearchParams): (text: string) => string {
  if (query.get("encoding-type") !== "url") return (text) => text;
  return (text) => encodeURIComponent(text).replaceAll("%2F", "/").replaceAll("%20", "+");
}

let tokens = 0;

/** No two are the same, also where an empty page has brought nobody any further. */
function writeToken({ text, isPrefix }: Entry): string {
  tokens += 1;
  return `${tokens}.${Buffer.from(`${isPrefix ? "p" : "k"}${text}`).toString("base64")}`;
}

function readToken(token: string): Entry {
  const text = Buffer.from(token.slice(token.indexOf(".") + 1), "base64").toString();
  if (!/^[pk]/.test(text))
    throw new Refusal(400, "InvalidArgument", "The continuation token provided is incorrect");
  return { text: text.slice(1), isPrefix: text.startsWith("p") };
}
