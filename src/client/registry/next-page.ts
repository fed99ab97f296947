import { parseUrl } from "../../lib/parse-url.ts";
import { nextLinkOf } from "../next-link.ts";
import { RegistryAnswerError } from "./registry-errors.ts";

/**
 * Finds the next page of a list, which only the same registry can have: a link to another host is never followed. One that only lacks the `s` of
 * `https`, as registries behind a proxy send that does not tell them of TLS, counts as the registry's own.
 *
 * @param header - of `Link`; empty if there is none
 * @param page - the address of the page that it came with
 * @returns undefined if that was the last page
 * @throws {RegistryAnswerError} if it leads elsewhere
 */
export function nextPageOf(header: string, page: URL): URL | undefined {
  const target = nextLinkOf(header);
  if (target === undefined) return undefined;
  const link = parseUrl(target, page);
  if (link === undefined)
    throw new RegistryAnswerError(`${page.host} leads to a next page that there cannot be`);
  const isBehindProxy = link.protocol === "http:" && link.hostname === page.hostname;
  if (link.origin !== page.origin && !isBehindProxy) {
    throw new RegistryAnswerError(`${page.host} leads to a next page on another host: ${link.host}`, {
      hint: "set http.host in the registry's configuration, or name the registry by the address that it calls itself",
    });
  }
  return new URL(`${link.pathname}${link.search}`, page);
}
