/** What cannot stand in a field as it is. */
const NEEDS_QUOTES = /[",\r\n]/;

/**
 * @returns rows as comma-separated values, each row with a final line end; fields are quoted only where they must be
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function renderCsv(rows: Iterable<readonly string[]>): string {
  let text = "";
  for (const row of rows) text += `${row.map(field).join(",")}\n`;
  return text;
}

function field(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
