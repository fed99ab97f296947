import { XmlScanner } from "./xml/xml-scanner.ts";

/**
 * Looks for a rule that removes older versions by themselves.
 *
 * @param body - the answer to GetBucketLifecycleConfiguration
 * @param prefix - what all keys of interest begin with; a rule counts only if it is for all of them
 * @throws {XmlError}
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html
 */
export function readNoncurrentExpiry(body: Uint8Array, prefix: string): boolean {
  const xml = new XmlScanner(body);
  xml.next();
  let hasRule = false;
  while (xml.next() === "open") {
    if (xml.name === "Rule") hasRule = readRule(xml, prefix) || hasRule;
    else xml.skip();
  }
  return hasRule;
}

function readRule(xml: XmlScanner, prefix: string): boolean {
  const depth = xml.depth;
  let isEnabled = false;
  let expires = false;
  let isForAll = true;
  while (xml.next() !== "end" && xml.depth >= depth) {
    switch (xml.name) {
      case "Status":
        isEnabled ||= xml.text === "Enabled";
        break;
      case "NoncurrentVersionExpiration":
        expires = true;
        break;
      case "Prefix":
        isForAll &&= prefix.startsWith(xml.text.trim());
        break;
      case "Tag":
      case "ObjectSizeGreaterThan":
      case "ObjectSizeLessThan":
        isForAll = false;
        break;
      default:
    }
  }
  return isEnabled && expires && isForAll;
}
