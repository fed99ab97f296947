/** An answer before it is sent. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}

/** What S3 answers where it does not do what it is asked. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;
  /** More elements of the error's XML, such as `Region`. */
  readonly elements: Record<string, string>;

  constructor(
    status: number,
    code: string,
    message = code,
    more: { headers?: Record<string, string>; elements?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.elements = more.elements ?? {};
  }
}

/** An XML document with one root element, as S3 sends it. */
export function xmlReply(root: string, content: string, headers: Record<string, string> = {}): Reply {
  return {
    status: 200,
    headers: { "content-type": "application/xml", ...headers },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${root}>`,
  };
}

/** The XML of an error; it is also what a failed copy sends behind a 200. */
export function errorXml(
  error: { code: string; message: string; elements?: Record<string, string> },
  requestId: string,
) {
  const more = Object.entries(error.elements ?? {}).map(([name, text]) => element(name, text));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${element("Code", error.code)}${element("Message", error.message)}${more.join("")}${element("RequestId", requestId)}</Error>`;
}

/** One element with text in it. */
export function element(name: string, text: string | number | boolean): string {
  return `<${name}>${escapeXml(String(text))}</${name}>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r]/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** The texts of all elements of a name, wherever they are: enough for what clients of S3 send. */
export function textsOf(xml: string, name: string): string[] {
  const found = xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`, "g"));
  return [...found].map(([, text = ""]) => unescapeXml(text));
}

/** The insides of all elements of a name that do not contain each other. */
export function insidesOf(xml: string, name: string): string[] {
  const found = xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, "g"));
  return [...found].map(([, inside = ""]) => inside);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#([0-9]+)|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}
