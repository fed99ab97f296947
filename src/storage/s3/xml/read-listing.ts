import { urlDecoded } from "./url-decoded.ts";
import { XmlError, XmlScanner } from "./xml-scanner.ts";

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
  const xml = new XmlScanner(body);
  const page: ListingPage = { objects: [], prefixes: [], isTruncated: false, nextToken: "" };
  let isEncoded = false;
  xml.next();
  // Anything else would pass for a folder without files.
  if (!ROOT.test(xml.name)) throw new XmlError(`a ${xml.name} is no listing`);
  while (xml.next() === "open") {
    switch (xml.name) {
      case "Contents":
        page.objects.push(readObject(xml, wantsEtags));
        break;
      case "CommonPrefixes":
        page.prefixes.push(readPrefix(xml));
        break;
      case "IsTruncated":
        page.isTruncated = xml.readText() === "true";
        break;
      case "NextContinuationToken":
        page.nextToken = xml.readText();
        break;
      case "EncodingType":
        isEncoded = xml.readText() === "url";
        break;
      default:
        xml.skip();
    }
  }
  if (isEncoded) {
    for (const object of page.objects) object.key = urlDecoded(object.key);
    page.prefixes = page.prefixes.map(urlDecoded);
  }
  return page;
}

const ROOT = /^(?:\w+:)?ListBucketResult$/;

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
