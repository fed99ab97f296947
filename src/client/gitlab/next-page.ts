/**
 * @param header - of `Link`
 * @returns the parameters of the address of the next page; undefined if there is none
 * @see https://docs.gitlab.com/api/rest/#keyset-based-pagination
 */
export function nextPageOf(header: string | undefined): URLSearchParams | undefined {
  for (const [, address = "", parameters = ""] of (header ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    if (!/;\s*rel\s*=\s*"?(?:[^";]*\s)?next(?:\s[^";]*)?"?\s*(?:[;,]|$)/i.test(parameters)) continue;
    const query = address.indexOf("?");
    // Only the parameters count: the address may be one that is reached from elsewhere, and would be shown the token.
    return query === -1 ? undefined : new URLSearchParams(address.slice(query + 1));
  }
  return undefined;
}
