import { XmlScanner } from "./xml-scanner.ts";

/**
 * Reads an answer that is a list of plain elements, such as that to CreateMultipartUpload, CopyObject,
 * CompleteMultipartUpload or GetBucketVersioning.
 *
 * @returns the texts by name
 * @throws {XmlError}
 */
export function readFields(body: Uint8Array): Readonly<Record<string, string>> {
  const xml = new XmlScanner(body);
  const fields: Record<string, string> = {};
  xml.next();
  while (xml.next() === "open") fields[xml.name] = xml.readText();
  return fields;
}
