import { XmlError, XmlScanner } from "./xml-scanner.ts";

/**
 * Begins to read a document of a certain kind.
 *
 * @param root - name of its root, without a prefix
 * @throws {XmlError} if it is another document, which would pass for one of this kind with nothing in it
 */
export function openDocument(body: Uint8Array, root: string): XmlScanner {
  const xml = new XmlScanner(body);
  xml.next();
  if (xml.name.slice(xml.name.indexOf(":") + 1) !== root) throw new XmlError(`a ${xml.name} is no ${root}`);
  return xml;
}

/** What all answers say that come page by page. */
export interface PageEnd {
  /** There is more, however little this page has. */
  isTruncated: boolean;
  /** Keys are encoded as in a URL. */
  isEncoded: boolean;
  /** Where the next page begins: the elements whose name begins with `Next`, by name. */
  markers: Readonly<Record<string, string>>;
}

/**
 * Reads an answer that comes page by page.
 *
 * @param root - name of its root
 * @param readers - by the name of what there may be many of on a page: what takes one to its end
 * @throws {XmlError}
 */
export function readPage(
  body: Uint8Array,
  root: string,
  readers: ReadonlyMap<string, (xml: XmlScanner) => void>,
): PageEnd {
  const xml = openDocument(body, root);
  const markers: Record<string, string> = {};
  const end: PageEnd = { isTruncated: false, isEncoded: false, markers };
  while (xml.next() === "open") {
    if (xml.name === "IsTruncated") end.isTruncated = xml.readText() === "true";
    else if (xml.name === "EncodingType") end.isEncoded = xml.readText() === "url";
    else if (xml.name.startsWith("Next")) markers[xml.name] = xml.readText();
    else {
      const read = readers.get(xml.name);
      if (read) read(xml);
      else xml.skip();
    }
  }
  return end;
}
