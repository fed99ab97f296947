import type { KeptVersions } from "../object-store-abilities.ts";
import { callS3, folderPrefix } from "./s3-call.ts";
import { S3RequestError } from "./s3-lane.ts";
import type { S3Store } from "./s3-store.ts";
import { readNoncurrentExpiry } from "./s3-versions-lifecycle.ts";
import { readFields } from "./xml/read-fields.ts";
import { readVersions, type VersionsPage } from "./xml/read-versions.ts";

/** @returns what the bucket keeps of removed objects; at most about `limit` versions are looked at */
export function keptVersions(store: S3Store, limit: number): Promise<KeptVersions> {
  return callS3(store, "look at the versions of", "/", async () => {
    const versioning = await readVersioning(store);
    if (versioning === "off")
      return { versioning, expire: false, noncurrent: { files: 0, bytes: 0, isComplete: true } };
    const [expire, noncurrent] = await Promise.all([expiresVersions(store), countVersions(store, limit)]);
    return { versioning, expire, noncurrent };
  });
}

async function readVersioning(store: S3Store): Promise<KeptVersions["versioning"]> {
  try {
    const { body } = await store.lane.send({ method: "GET", query: { versioning: "" } });
    const { Status: status } = readFields(body);
    return status === "Enabled" ? "on" : status === "Suspended" ? "suspended" : "off";
  } catch (error) {
    // Stores without versions do not know the question.
    if (error instanceof S3RequestError && (error.status === 501 || error.status === 405)) return "off";
    throw error;
  }
}

/** Where it may not be asked, no rule is known of. */
async function expiresVersions(store: S3Store): Promise<boolean> {
  try {
    const { body } = await store.lane.send({ method: "GET", query: { lifecycle: "" } });
    return readNoncurrentExpiry(body, folderPrefix(store, "/"));
  } catch (error) {
    if (error instanceof S3RequestError) return false;
    throw error;
  }
}

async function countVersions(store: S3Store, limit: number): Promise<KeptVersions["noncurrent"]> {
  const counted = { files: 0, bytes: 0, isComplete: false };
  let markers: Record<string, string> = {};
  for (let seen = 0; seen < limit; ) {
    let page: VersionsPage;
    try {
      page = await listVersions(store, markers);
    } catch (error) {
      if (error instanceof S3RequestError && error.status === 403) return undefined;
      throw error;
    }
    for (const { isLatest, isDeleteMarker, sizeBytes } of page.versions) {
      if (isLatest || isDeleteMarker) continue;
      counted.files++;
      counted.bytes += sizeBytes;
    }
    seen += page.versions.length;
    if (!page.isTruncated) return { ...counted, isComplete: true };
    const next = { "key-marker": page.nextKeyMarker, "version-id-marker": page.nextVersionIdMarker };
    if (page.nextKeyMarker === "" || JSON.stringify(next) === JSON.stringify(markers)) break;
    markers = next;
  }
  return counted;
}

async function listVersions(store: S3Store, markers: Record<string, string>): Promise<VersionsPage> {
  const prefix = folderPrefix(store, "/");
  const query = { versions: "", "encoding-type": "url", "max-keys": "1000", ...markers };
  const answer = await store.lane.send({
    method: "GET",
    query: prefix === "" ? query : { ...query, prefix },
    isPatient: true,
  });
  return readVersions(answer.body);
}
