/**
 * @param base - what a relative address counts from
 * @returns undefined if the text is no address
 */
export function parseUrl(text: string, base?: URL): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
}
