/**
 * @param header - of `Link`
 * @returns the address, as it is written, of what comes next; undefined if it names none
 * @see https://www.rfc-editor.org/rfc/rfc8288
 */
export function nextLinkOf(header: string): string | undefined {
  for (const [, target = "", parameters = ""] of header.matchAll(/<([^>]*)>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?![^\s;,]))/i.test(parameters)) return target;
  }
  return undefined;
}
