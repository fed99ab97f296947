import { readPage } from "./read-page.ts";
import { urlDecoded } from "./url-decoded.ts";
import type { XmlScanner } from "./xml-scanner.ts";

/** One object of a listing. */
export interface ListedObject {
  key: string;
  sizeBytes: number;
  /** Milliseconds since 1970; 0 if the store has sent none. */
  modifiedMs: number;
  /** Without its quotes; only where it is wanted. */
  etag?: string;
}

/** One page of ListObjectsV2. */
export interface ListingPage {
  objects: ListedObject[];
  /** What is common to keys up to the delimiter, that included. */
  prefixes: string[];
  /** There is more, however few objects this page has. */
  isTruncated: boolean;
  /** For the next page; empty if there is none. */
  nextToken: string;
}

/**
 * Reads an answer to ListObjectsV2.
 *
 * @param wantsEtags - they take memory of their own
 * @throws {XmlError}
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function readListing(body: Uint8Array, wantsEtags = false): ListingPage {
  const objects: ListedObject[] = [];
  const prefixes: string[] = [];
  const { isTruncated, isEncoded, markers } = readPage(
    body,
    "ListBucketResult",
    new Map([
      ["Contents", (xml) => void objects.push(readObject(xml, wantsEtags))],
      ["CommonPrefixes", (xml) => void prefixes.push(readPrefix(xml))],
    ]),
  );
  const { NextContinuationToken: nextToken = "" } = markers;
  if (!isEncoded) return { objects, prefixes, isTruncated, nextToken };
  for (const object of objects) object.key = urlDecoded(object.key);
  return { objects, prefixes: prefixes.map(urlDecoded), isTruncated, nextToken };
}

function readPrefix(xml: XmlScanner): string {
  let prefix = "";
  while (xml.next() === "open") {
    if (xml.name === "Prefix") prefix = xml.readText();
    else xml.skip();
  }
  return prefix;
}

function readObject(xml: XmlScanner, wantsEtags: boolean): ListedObject {
  const object: ListedObject = { key: "", sizeBytes: 0, modifiedMs: 0 };
  while (xml.next() === "open") {
    switch (xml.name) {
      case "Key":
        object.key = xml.readText();
        break;
      case "Size":
        object.sizeBytes = Number(xml.readText());
        break;
      case "LastModified":
        object.modifiedMs = Date.parse(xml.readText()) || 0;
        break;
      case "ETag":
        if (wantsEtags) object.etag = xml.readText().replaceAll('"', "");
        else xml.skip();
        break;
      default:
        xml.skip();
    }
  }
  return object;
}
