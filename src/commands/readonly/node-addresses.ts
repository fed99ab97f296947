import type { AskedAddress } from "../../operations/readonly/ask-addresses.ts";

/**
 * @param nodes - as `nodes` in ctl.yml has them: `host:port` or URLs
 * @param own - addresses on this host, whose first one says what is not said
 * @returns the addresses of the nodes that are no own ones by their text
 */
export function nodeAddresses(nodes: readonly string[], own: readonly AskedAddress[]): AskedAddress[] {
  return nodes
    .map((node) => addressOf(node, own[0]))
    .filter(({ addr }) => !own.some((one) => one.addr === addr));
}

function addressOf(node: string, own: AskedAddress | undefined): AskedAddress {
  if (!/^https?:\/\//.test(node)) {
    return { addr: node, net: "tcp", prefix: own?.prefix ?? "/", tls: own?.tls ?? false };
  }
  const { protocol, hostname, port, pathname } = new URL(node);
  const tls = protocol === "https:";
  const prefix = pathname.endsWith("/") ? pathname : `${pathname}/`;
  return { addr: `${hostname}:${port || (tls ? "443" : "80")}`, net: "tcp", prefix, tls };
}
