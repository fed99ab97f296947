import { openDocument } from "./read-page.ts";
import type { XmlScanner } from "./xml-scanner.ts";

/** A key that a bulk delete has not removed. */
export interface DeleteFailure {
  key: string;
  /** Such as `AccessDenied`. */
  code: string;
  message: string;
}

/**
 * Reads an answer to DeleteObjects.
 *
 * @returns the keys that are still there; with `Quiet` that is all that the answer has
 * @throws {XmlError}
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
export function readDeleteResult(body: Uint8Array): DeleteFailure[] {
  const xml = openDocument(body, "DeleteResult");
  const failures: DeleteFailure[] = [];
  while (xml.next() === "open") {
    if (xml.name === "Error") failures.push(readFailure(xml));
    else xml.skip();
  }
  return failures;
}

function readFailure(xml: XmlScanner): DeleteFailure {
  const failure: DeleteFailure = { key: "", code: "", message: "" };
  while (xml.next() === "open") {
    if (xml.name === "Key") failure.key = xml.readText();
    else if (xml.name === "Code") failure.code = xml.readText();
    else if (xml.name === "Message") failure.message = xml.readText();
    else xml.skip();
  }
  return failure;
}
