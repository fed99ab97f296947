const NEEDS_QUOTES = /[",\r\n]/;

/** @returns values as one line of CSV, with its line end; a value that would not be read as it stands is quoted */
export function csvLine(values: readonly (string | number)[]): string {
  const cells = values.map((value) => {
    const text = String(value);
    return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(",")}\n`;
}
