/**
 * Finds where a character of a YAML value stands on the line on which the value begins.
 *
 * @param line - the text of the line
 * @param column - where the value begins, from 1: at its quotation mark, if it has any
 * @param offset - of the character in the value, from 0
 * @returns the character's column, from 1; that of the value if the character is not on this line, as in a block
 */
export function columnInScalar(line: string, column: number, offset: number): number {
  const raw = line.slice(column - 1);
  const quote = raw[0];
  if (quote === "|" || quote === ">") return column;
  const pieces = quote === "'" ? SINGLE_QUOTED : quote === '"' ? DOUBLE_QUOTED : PLAIN;
  let at = pieces === PLAIN ? 0 : 1;
  for (let count = 0; count < offset; count++) {
    const [piece = ""] = pieces.exec(raw.slice(at)) ?? [];
    if (piece === "") return column;
    at += piece.length;
  }
  return at <= raw.length ? column + at : column;
}

const PLAIN = /^./;
const SINGLE_QUOTED = /^(?:''|[^'])/;
/** @see https://yaml.org/spec/1.2.2/#57-escaped-characters */
const DOUBLE_QUOTED = /^(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^"\\])/;
