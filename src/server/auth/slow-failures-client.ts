import { isIP, isIPv4, isIPv6 } from "node:net";

/**
 * Tells clients apart whose failures are counted.
 *
 * The connection's address counts, as in the access log. Only a proxy on this machine (a loopback address, a Unix socket) is
 * believed when it says for whom it asks: the last address in X-Forwarded-For is the one that it added itself. Anybody else
 * could write a new one there with each guess. Users of a proxy on another machine therefore share its address.
 *
 * @param address - of the connection; empty for a Unix socket
 * @param forwardedFor - the X-Forwarded-For header
 * @returns an IPv4 address, or the first 64 bits of an IPv6 address, of which one client usually has all
 */
export function clientKeyOf(address: string, forwardedFor: string | undefined): string {
  const own = clientNetwork(address);
  if (!isThisMachine(address)) return own;
  const last = forwardedFor?.slice(forwardedFor.lastIndexOf(",") + 1).trim() ?? "";
  // Some proxies add the port.
  const bare = /^\[(.*)\](?::\d+)?$/.exec(last)?.[1] ?? /^([\d.]+):\d+$/.exec(last)?.[1] ?? last;
  return isIP(bare) === 0 ? own : clientNetwork(bare);
}

function isThisMachine(address: string): boolean {
  const bare = withoutMapping(address);
  return bare === "" || bare === "::1" || (isIPv4(bare) && bare.startsWith("127."));
}

function clientNetwork(address: string): string {
  const bare = withoutMapping(address);
  if (!isIPv6(bare)) return bare;
  const [head = "", tail] = (bare.split("%")[0] ?? "").split("::");
  const first = head === "" ? [] : head.split(":");
  // What stands for the zeros matters only where it reaches into the first four groups.
  const groups = tail === undefined ? first : [...first, ...zerosBetween(first, tail)];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

function zerosBetween(first: readonly string[], tail: string): string[] {
  const last = tail === "" ? [] : tail.split(":");
  const lastLength = last.length + (last.at(-1)?.includes(".") ? 1 : 0);
  return [...new Array<string>(Math.max(0, 8 - first.length - lastLength)).fill("0"), ...last];
}

/** A server that listens on IPv6 sees IPv4 clients so. */
function withoutMapping(address: string): string {
  const rest = /^::ffff:(.*)$/i.exec(address)?.[1];
  return rest !== undefined && isIPv4(rest) ? rest : address;
}
