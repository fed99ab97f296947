import { nextLinkOf } from "../next-link.ts";

/**
 * @param header - of `Link`
 * @returns the parameters of the address of the next page; undefined if there is none
 * @see https://docs.gitlab.com/api/rest/#keyset-based-pagination
 */
export function nextPageOf(header: string | undefined): URLSearchParams | undefined {
  // Only the parameters count: the address may be one that is reached from elsewhere, and would be shown the token.
  const [, parameters] = /^[^?]*\?(.*)$/.exec(nextLinkOf(header ?? "") ?? "") ?? [];
  return parameters === undefined ? undefined : new URLSearchParams(parameters);
}
