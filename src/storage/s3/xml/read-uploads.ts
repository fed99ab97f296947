import { readPage } from "./read-page.ts";
import { urlDecoded } from "./url-decoded.ts";
import type { XmlScanner } from "./xml-scanner.ts";

/** One multipart upload that is neither completed nor aborted. */
export interface ListedUpload {
  key: string;
  uploadId: string;
  /** Milliseconds since 1970; 0 if the store has sent none. */
  initiatedMs: number;
}

/** One page of ListMultipartUploads. */
export interface UploadsPage {
  uploads: ListedUpload[];
  isTruncated: boolean;
  /** Where the next page begins, as `key-marker` and `upload-id-marker`. */
  nextKeyMarker: string;
  nextUploadIdMarker: string;
}

/**
 * Reads an answer to ListMultipartUploads. Ceph encodes the keys if `encoding-type=url` is asked for, but does not say so:
 * better ask without it, since keys of a registry have nothing that XML cannot have.
 *
 * @throws {XmlError}
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 */
export function readUploads(body: Uint8Array): UploadsPage {
  const uploads: ListedUpload[] = [];
  const { isTruncated, isEncoded, markers } = readPage(
    body,
    "ListMultipartUploadsResult",
    new Map([["Upload", (xml) => void uploads.push(readUpload(xml))]]),
  );
  const { NextKeyMarker: nextKey = "", NextUploadIdMarker: nextUploadIdMarker = "" } = markers;
  if (!isEncoded) return { uploads, isTruncated, nextKeyMarker: nextKey, nextUploadIdMarker };
  for (const upload of uploads) upload.key = urlDecoded(upload.key);
  return { uploads, isTruncated, nextKeyMarker: urlDecoded(nextKey), nextUploadIdMarker };
}

function readUpload(xml: XmlScanner): ListedUpload {
  const upload: ListedUpload = { key: "", uploadId: "", initiatedMs: 0 };
  while (xml.next() === "open") {
    if (xml.name === "Key") upload.key = xml.readText();
    else if (xml.name === "UploadId") upload.uploadId = xml.readText();
    else if (xml.name === "Initiated") upload.initiatedMs = Date.parse(xml.readText()) || 0;
    else xml.skip();
  }
  return upload;
}
