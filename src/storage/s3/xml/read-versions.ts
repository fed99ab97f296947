import { readPage } from "./read-page.ts";
import { urlDecoded } from "./url-decoded.ts";
import type { XmlScanner } from "./xml-scanner.ts";

/** One version of an object, or the mark of a removal. */
export interface ListedVersion {
  key: string;
  versionId: string;
  isLatest: boolean;
  /** Nothing but the mark that the object was removed. */
  isDeleteMarker: boolean;
  sizeBytes: number;
}

/** One page of ListObjectVersions. */
export interface VersionsPage {
  versions: ListedVersion[];
  isTruncated: boolean;
  /** Where the next page begins, as `key-marker` and `version-id-marker`. */
  nextKeyMarker: string;
  nextVersionIdMarker: string;
}

/**
 * Reads an answer to ListObjectVersions.
 *
 * @throws {XmlError}
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export function readVersions(body: Uint8Array): VersionsPage {
  const versions: ListedVersion[] = [];
  const { isTruncated, isEncoded, markers } = readPage(
    body,
    "ListVersionsResult",
    new Map([
      ["Version", (xml) => void versions.push(readVersion(xml, false))],
      ["DeleteMarker", (xml) => void versions.push(readVersion(xml, true))],
    ]),
  );
  const { NextKeyMarker: nextKey = "", NextVersionIdMarker: nextVersionIdMarker = "" } = markers;
  if (!isEncoded) return { versions, isTruncated, nextKeyMarker: nextKey, nextVersionIdMarker };
  for (const version of versions) version.key = urlDecoded(version.key);
  return { versions, isTruncated, nextKeyMarker: urlDecoded(nextKey), nextVersionIdMarker };
}

function readVersion(xml: XmlScanner, isDeleteMarker: boolean): ListedVersion {
  const version: ListedVersion = { key: "", versionId: "", isLatest: false, isDeleteMarker, sizeBytes: 0 };
  while (xml.next() === "open") {
    switch (xml.name) {
      case "Key":
        version.key = xml.readText();
        break;
      case "VersionId":
        version.versionId = xml.readText();
        break;
      case "IsLatest":
        version.isLatest = xml.readText() === "true";
        break;
      case "Size":
        version.sizeBytes = Number(xml.readText());
        break;
      default:
        xml.skip();
    }
  }
  return version;
}
