import { isIP } from "node:net";
import type { HttpSettings } from "../../config/settings.ts";
import { ConfigError } from "../../errors.ts";

/** Taken where the configuration names no address: nobody else's machine can reach it. */
export const DEFAULT_ADDR = "127.0.0.1:5000";

/** Where a server listens. */
export type ListenAddress =
  | { kind: "tcp"; host: string | undefined; port: number }
  | { kind: "unix"; path: string };

/**
 * Reads `http.addr`: `host:port`, `:port` (all addresses of the machine), `[::1]:port`; for `net: unix` a path.
 * @throws {ConfigError}
 */
export function parseListenAddress(http: Pick<HttpSettings, "addr" | "net">): ListenAddress {
  if (http.net === "unix") {
    if (http.addr === "")
      throw new ConfigError("http.addr is missing: with http.net: unix it is the socket's path");
    return { kind: "unix", path: http.addr };
  }
  const addr = http.addr === "" ? DEFAULT_ADDR : http.addr;
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(addr);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535 || (match[1] !== undefined && isIP(match[1]) !== 6)) {
    throw new ConfigError(`http.addr is ${JSON.stringify(addr)}, not host:port, :port or [address]:port`);
  }
  const host = match[1] ?? match[2];
  return { kind: "tcp", host: host === "" ? undefined : host, port };
}

/** Tells whether only this machine reaches the address. */
export function isLocalOnly(address: ListenAddress): boolean {
  if (address.kind === "unix") return true;
  const host = address.host ?? "";
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** The address as people read it: a URL, or the socket's path. */
export function describeListenAddress(
  address: ListenAddress,
  http: Pick<HttpSettings, "prefix" | "tls">,
): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const scheme = http.tls === undefined ? "http" : "https";
  return `${scheme}://${hostForUrl(address.host)}:${address.port}${http.prefix}`;
}

function hostForUrl(host: string | undefined): string {
  if (host === undefined) return "0.0.0.0";
  return isIP(host) === 6 ? `[${host}]` : host;
}
