/**
 * @returns the text as a quoted string for a header, as the Go registry writes it. Each character is one byte of UTF-8,
 *   which is all that Node takes in a header
 */
export function quotedForHeader(text: string): string {
  const quoted = JSON.stringify(text).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Buffer.from(quoted, "utf8").toString("latin1");
}
