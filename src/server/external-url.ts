import type { IncomingHttpHeaders } from "node:http";
import type { HttpSettings } from "../config/settings.ts";

/** What of a request decides under which URL the client knows us. */
export interface ClientView {
  headers: IncomingHttpHeaders;
  /** The connection to us is encrypted. */
  encrypted: boolean;
}

/** A host with or without port, nothing else: it goes into headers of ours. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Makes the URLs of Location and Link headers, by `http.host`, `relativeurls`, `prefix` and the forwarded headers. */
export class ExternalUrls {
  readonly #prefix: string;
  readonly #fixedBase: string | undefined;
  readonly #relative: boolean;

  constructor(settings: Pick<HttpSettings, "prefix" | "host" | "relativeUrls">) {
    this.#prefix = settings.prefix;
    this.#relative = settings.relativeUrls;
    this.#fixedBase = settings.host === "" ? undefined : fixedBase(settings.host, settings.prefix);
  }

  /** @returns the URL of `path` (below the prefix, without leading slash, already percent-encoded) */
  urlOf(client: ClientView, path: string): string {
    if (this.#relative) return this.#prefix + path;
    if (this.#fixedBase !== undefined) return this.#fixedBase + path;
    const origin = originOf(client);
    return origin === undefined ? this.#prefix + path : `${origin}${this.#prefix}${path}`;
  }
}

function fixedBase(host: string, prefix: string): string {
  const url = new URL(host.includes("://") ? host : `https://${host}`);
  return url.pathname === "/"
    ? `${url.origin}${prefix}`
    : `${url.origin}${url.pathname.replace(/\/*$/, "/")}`;
}

/**
 * Finds scheme and host as the Go registry does: `Forwarded` if there is one, else X-Forwarded-Proto and -Host (the
 * first of several hosts), else the connection and Host. X-Forwarded-Port counts where the host names no port.
 *
 * @returns undefined if no usable host is known (HTTP/1.0), so that only a relative URL can be given
 * @see https://github.com/distribution/distribution/blob/v3.0.0/registry/api/v2/urls.go
 */
export function originOf(client: ClientView): string | undefined {
  let scheme = client.encrypted ? "https" : "http";
  let host = client.headers.host;
  const forwarded = single(client.headers["forwarded"]);
  if (forwarded !== undefined) {
    const elements = parseForwarded(forwarded);
    scheme = schemeOr(elements.get("proto"), scheme);
    host = hostOr(elements.get("host"), host);
  } else {
    scheme = schemeOr(single(client.headers["x-forwarded-proto"]), scheme);
    host = hostOr(single(client.headers["x-forwarded-host"]), host);
    const port = single(client.headers["x-forwarded-port"]);
    if (host !== undefined && port !== undefined) host = withPort(host, port, scheme);
  }
  return host !== undefined && HOST.test(host) ? `${scheme}://${host}` : undefined;
}

function single(value: string | string[] | undefined): string | undefined {
  const first = (Array.isArray(value) ? value[0] : value)?.split(",")[0]?.trim();
  return first === "" ? undefined : first;
}

function schemeOr(value: string | undefined, fallback: string): string {
  const scheme = value?.toLowerCase();
  return scheme === "http" || scheme === "https" ? scheme : fallback;
}

function hostOr(value: string | undefined, fallback: string | undefined): string | undefined {
  return value !== undefined && HOST.test(value) ? value : fallback;
}

function withPort(host: string, port: string, scheme: string): string {
  const usual = scheme === "https" ? "443" : "80";
  if (!/^\d{1,5}$/.test(port) || port === usual || /:\d+$/.test(host)) return host;
  return `${host}:${port}`;
}

/** The first element of a Forwarded header (RFC 7239), names in lower case, quotes removed. */
function parseForwarded(element: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of element.split(";")) {
    const equals = pair.indexOf("=");
    if (equals < 0) continue;
    const value = pair.slice(equals + 1).trim();
    pairs.set(pair.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, "$1"));
  }
  return pairs;
}
