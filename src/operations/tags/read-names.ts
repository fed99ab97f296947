import { isTag } from "../../oci/reference.ts";

/** The longest line that can be a name; what is longer is cut off for people. */
const MAX_LINE_CHARS = 512;
const SHOWN_CHARS = 60;
const BYTE_ORDER_MARK = "\ufeff";

/** Names of tags in a file. */
export interface NamedTags {
  /** In the order of the file, each once. */
  names: string[];
  /** Those that stand there more than once. */
  duplicates: string[];
  /** Lines that cannot be the name of a tag, for people. */
  invalid: { line: number; text: string }[];
}

/**
 * Reads names of tags, one a line. Line ends may be those of any system, and white space around a name does no harm; nor does a
 * line of any length.
 *
 * @param chunks - what the file holds
 */
export async function readNames(chunks: AsyncIterable<Uint8Array | string>): Promise<NamedTags> {
  const names = new Set<string>();
  const duplicates = new Set<string>();
  const invalid: NamedTags["invalid"] = [];
  let number = 0;
  for await (const { text, length } of cutLines(chunks)) {
    number++;
    const line = (number === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text).trim();
    if (line === "" && length <= MAX_LINE_CHARS) continue;
    if (length > MAX_LINE_CHARS || !isTag(line)) {
      const shown = JSON.stringify(line.slice(0, SHOWN_CHARS));
      const isCut = line.length > SHOWN_CHARS || length > MAX_LINE_CHARS;
      invalid.push({ line: number, text: isCut ? `${shown} and so on` : shown });
    } else if (names.has(line)) duplicates.add(line);
    else names.add(line);
  }
  return { names: [...names], duplicates: [...duplicates], invalid };
}

/** The beginnings of lines, with how long they are. Nothing more of a line is kept. */
export async function* cutLines(
  chunks: AsyncIterable<Uint8Array | string>,
  maxChars = MAX_LINE_CHARS + 1,
): AsyncGenerator<{ text: string; length: number }> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  let length = 0;
  for await (const chunk of chunks) {
    const decoded = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    const [first = "", ...rest] = decoded.split("\n");
    text += first.slice(0, Math.max(0, maxChars - text.length));
    length += first.length;
    for (const next of rest) {
      yield { text, length };
      text = next.slice(0, maxChars);
      ({ length } = next);
    }
  }
  const end = decoder.decode();
  yield { text: text + end, length: length + end.length };
}
