const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads `KEY=VALUE` lines as systemd reads an EnvironmentFile: `#` and `;` begin comments, values may be quoted with
 * either kind of quotes, a backslash keeps the next character and continues a line at its end. Lines that are no
 * assignment are left out.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=
 */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  let offset = 0;
  while (offset < text.length) {
    const start = offset;
    const first = text.slice(offset).trimStart().charAt(0);
    offset = start + (text.slice(start).length - text.slice(start).trimStart().length);
    if (first === "") break;
    const lineEnd = endOfLine(text, offset);
    const equals = text.indexOf("=", offset);
    if (first === "#" || first === ";" || equals === -1 || equals >= lineEnd) {
      offset = lineEnd + 1;
      continue;
    }
    const name = text
      .slice(offset, equals)
      .trim()
      .replace(/^export\s+/, "");
    const value = readValue(text, equals + 1);
    if (NAME.test(name)) variables[name] = value.text;
    offset = value.end + 1;
  }
  return variables;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

function readValue(text: string, from: number): { text: string; end: number } {
  let value = "";
  /** Length of the value up to its last character that is not white space outside of quotes. */
  let keptLength = 0;
  let quote = "";
  let offset = from;
  while (offset < text.length && /[ \t]/.test(text.charAt(offset))) offset++;
  for (; offset < text.length; offset++) {
    const char = text.charAt(offset);
    if (quote === "" && char === "\n") break;
    if (char === "\\" && quote !== "'") {
      const next = text.charAt(++offset);
      if (next === "\n") continue;
      value += quote === '"' && !/["\\`$]/.test(next) ? `\\${next}` : next;
      keptLength = value.length;
    } else if (char === quote) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    else {
      value += char;
      if (quote !== "" || !/\s/.test(char)) keptLength = value.length;
    }
  }
  return { text: value.slice(0, keptLength), end: offset };
}
