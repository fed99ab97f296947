/** An answer of a store is no XML, or only the beginning of a document. */
export class XmlError extends Error {
  override readonly name = "XmlError";
}

/** What {@link XmlScanner.next} stands at. */
export type XmlTag = "open" | "close" | "end";

/**
 * Steps through the tags of a small, trusted kind of XML: what S3 answers with. Attributes, comments and processing
 * instructions are skipped, prefixes of names are kept. It takes a third of the time of a general parser, since no tree
 * is built of elements that nobody asks for.
 */
export class XmlScanner {
  readonly #xml: string;
  #position = 0;
  #depth = 0;
  #hasRoot = false;
  #closesNext = false;
  #textStart = 0;
  #textEnd = 0;
  /** Of the element that was opened last. */
  name = "";

  constructor(body: Uint8Array) {
    this.#xml = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  }

  /** How many elements are open, that of the tag included if it opens one. */
  get depth(): number {
    return this.#depth;
  }

  /** The text before the tag, back to the tag before that one: at a closing tag, what a plain element holds. */
  get text(): string {
    const text = this.#xml.slice(this.#textStart, this.#textEnd);
    return text.includes("&") || text.includes("<") ? decodeText(text) : text;
  }

  /**
   * Goes to the next tag. An empty element (`<Key/>`) opens and closes.
   *
   * @throws {XmlError} if the document ends too early or is none
   */
  next(): XmlTag {
    if (this.#closesNext) return this.#closeEmpty();
    const xml = this.#xml;
    this.#textStart = this.#position;
    for (;;) {
      const start = xml.indexOf("<", this.#position);
      if (start < 0) return this.#finish();
      const second = xml.charCodeAt(start + 1);
      if (second === EXCLAMATION || second === QUESTION) {
        this.#position = skipAside(xml, start);
        continue;
      }
      const end = xml.indexOf(">", start);
      if (end < 0) throw new XmlError("the document breaks off in a tag");
      this.#textEnd = start;
      this.#position = end + 1;
      return second === SLASH ? this.#close() : this.#open(start + 1, end);
    }
  }

  /** Skips the rest of the element that has just been opened. */
  skip(): void {
    const depth = this.#depth - 1;
    while (this.#depth > depth) this.next();
  }

  /** @returns the text of the element that has just been opened; that of elements in it is left out */
  readText(): string {
    const depth = this.#depth;
    if (this.next() === "close") return this.text;
    while (this.#depth >= depth) this.next();
    return "";
  }

  #open(start: number, end: number): XmlTag {
    const xml = this.#xml;
    if (this.#depth === 0 && this.#hasRoot) throw new XmlError("the document has two roots");
    const isEmpty = xml.charCodeAt(end - 1) === SLASH;
    let nameEnd = isEmpty ? end - 1 : end;
    for (let at = start; at < nameEnd; at++) {
      if (xml.charCodeAt(at) <= SPACE) nameEnd = at;
    }
    if (nameEnd === start) throw new XmlError("a tag has no name");
    this.name = xml.slice(start, nameEnd);
    this.#depth++;
    this.#hasRoot = true;
    this.#closesNext = isEmpty;
    return "open";
  }

  #close(): XmlTag {
    if (this.#depth === 0) throw new XmlError("an element is closed that is not open");
    this.#depth--;
    return "close";
  }

  #closeEmpty(): XmlTag {
    this.#closesNext = false;
    this.#textStart = this.#position;
    this.#textEnd = this.#position;
    this.#depth--;
    return "close";
  }

  #finish(): XmlTag {
    if (!this.#hasRoot) throw new XmlError("there is no element in the document");
    if (this.#depth > 0) throw new XmlError("the document breaks off");
    this.#textEnd = this.#textStart;
    return "end";
  }
}

const EXCLAMATION = 0x21;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const SPACE = 0x20;

/** @returns the position behind a comment, a declaration or a section of raw text */
function skipAside(xml: string, start: number): number {
  for (const [opening, closing] of ASIDES) {
    if (!xml.startsWith(opening, start)) continue;
    const end = xml.indexOf(closing, start + opening.length);
    if (end < 0) throw new XmlError("the document breaks off");
    return end + closing.length;
  }
  throw new XmlError("the document has a declaration that no answer of a store needs");
}

const ASIDES = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
] as const;

/** Text with entities, comments and raw sections in it, as it is meant. */
function decodeText(text: string): string {
  return text.replace(PARTS, (_whole, raw: string | undefined, entity: string | undefined) =>
    raw !== undefined ? raw : entity === undefined ? "" : decodeEntity(entity),
  );
}

const PARTS = /<!\[CDATA\[([\s\S]*?)\]\]>|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|&([^;&\s]{1,12});/g;

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decodeEntity(entity: string): string {
  const number = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(entity);
  if (number === null) return ENTITIES[entity] ?? `&${entity};`;
  const code = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  return code <= 0x10_ffff ? String.fromCodePoint(code) : `&${entity};`;
}
