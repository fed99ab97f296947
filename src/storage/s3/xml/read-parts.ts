import { XmlScanner } from "./xml-scanner.ts";

/** One part of a multipart upload. */
export interface ListedPart {
  partNumber: number;
  sizeBytes: number;
  /** With its quotes, as a completion wants it. */
  etag: string;
  /** Milliseconds since 1970; 0 if the store has sent none. */
  modifiedMs: number;
}

/** One page of ListParts. */
export interface PartsPage {
  parts: ListedPart[];
  isTruncated: boolean;
  /** Where the next page begins, as `part-number-marker`. */
  nextMarker: number;
}

/**
 * Reads an answer to ListParts.
 *
 * @throws {XmlError}
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
 */
export function readParts(body: Uint8Array): PartsPage {
  const xml = new XmlScanner(body);
  const page: PartsPage = { parts: [], isTruncated: false, nextMarker: 0 };
  xml.next();
  while (xml.next() === "open") {
    if (xml.name === "Part") page.parts.push(readPart(xml));
    else if (xml.name === "IsTruncated") page.isTruncated = xml.readText() === "true";
    else if (xml.name === "NextPartNumberMarker") page.nextMarker = Number(xml.readText()) || 0;
    else xml.skip();
  }
  return page;
}

function readPart(xml: XmlScanner): ListedPart {
  const part: ListedPart = { partNumber: 0, sizeBytes: 0, etag: "", modifiedMs: 0 };
  while (xml.next() === "open") {
    switch (xml.name) {
      case "PartNumber":
        part.partNumber = Number(xml.readText());
        break;
      case "Size":
        part.sizeBytes = Number(xml.readText());
        break;
      case "ETag":
        part.etag = xml.readText();
        break;
      case "LastModified":
        part.modifiedMs = Date.parse(xml.readText()) || 0;
        break;
      default:
        xml.skip();
    }
  }
  return part;
}
