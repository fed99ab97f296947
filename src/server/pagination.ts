import { ApiError } from "./api-error.ts";

/** Which part of a sorted list a client asks for. */
export interface PageRequest {
  /** Greatest number of entries; undefined: no limit was given. */
  limit: number | undefined;
  /** The entry after which the page starts. */
  last: string | undefined;
}

/**
 * Reads `n` and `last`.
 *
 * @throws {ApiError} PAGINATION_NUMBER_INVALID if `n` is not an integer from 0 on
 */
export function parsePageRequest(query: URLSearchParams): PageRequest {
  const n = query.get("n");
  const last = query.get("last") || undefined;
  if (n === null || n === "") return { limit: undefined, last };
  const limit = /^\d{1,15}$/.test(n) ? Number(n) : undefined;
  if (limit === undefined) throw invalidPageSize(n);
  return { limit, last };
}

/** @returns the refusal of a page size */
export function invalidPageSize(n: string | number): ApiError {
  return new ApiError("PAGINATION_NUMBER_INVALID", { detail: { n: String(n).slice(0, 100) } });
}

/** @returns the Link header that leads to the next page of the list at `url` */
export function nextPageLink(url: string, page: { last: string; limit: number }): string {
  const query = new URLSearchParams({ last: page.last, n: String(page.limit) });
  return `<${url}?${query}>; rel="next"`;
}
