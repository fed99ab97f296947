import { urlDecoded } from "./url-decoded.ts";
import { XmlScanner } from "./xml-scanner.ts";

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
  const xml = new XmlScanner(body);
  const page: VersionsPage = { versions: [], isTruncated: false, nextKeyMarker: "", nextVersionIdMarker: "" };
  let isEncoded = false;
  xml.next();
  while (xml.next() === "open") {
    switch (xml.name) {
      case "Version":
      case "DeleteMarker":
        page.versions.push(readVersion(xml, xml.name === "DeleteMarker"));
        break;
      case "IsTruncated":
        page.isTruncated = xml.readText() === "true";
        break;
      case "NextKeyMarker":
        page.nextKeyMarker = xml.readText();
        break;
      case "NextVersionIdMarker":
        page.nextVersionIdMarker = xml.readText();
        break;
      case "EncodingType":
        isEncoded = xml.readText() === "url";
        break;
      default:
        xml.skip();
    }
  }
  if (isEncoded) {
    for (const version of page.versions) version.key = urlDecoded(version.key);
    page.nextKeyMarker = urlDecoded(page.nextKeyMarker);
  }
  return page;
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
