import { unicodeEscape } from "../../lib/printable.ts";

/**
 * @returns the text as a quoted string for a header, as the Go registry writes it. Each character is one byte of UTF-8,
 *   which is all that Node takes in a header
 */
export function quotedForHeader(text: string): string {
  const quoted = JSON.stringify(text).replace(/[\u007f-\u009f]/g, unicodeEscape);
  return Buffer.from(quoted, "utf8").toString("latin1");
}
