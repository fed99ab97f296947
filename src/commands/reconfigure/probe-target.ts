import type { ProbeTarget } from "../../client/ask-registry.ts";
import type { HttpSettings } from "../../config/settings.ts";

/**
 * @param address - at which the server says that it listens: a URL, or `unix:` and a path
 * @param http - as the configuration has it now: the server may have another prefix, or TLS, than when it was started
 * @param pending - keys that the server has not taken
 * @returns where that server is asked
 */
export function probeTarget(
  address: string,
  http: Pick<HttpSettings, "prefix" | "tls">,
  pending: readonly string[],
): ProbeTarget {
  const { prefix } = http;
  const isTlsPending = pending.some((key) => key === "http.tls" || key.startsWith("http.tls."));
  const hasTls = isTlsPending ? address.startsWith("https:") : http.tls !== undefined;
  if (address.startsWith("unix:")) {
    return { addr: address.slice("unix:".length), net: "unix", prefix, tls: hasTls };
  }
  const { protocol, hostname, port } = new URL(address);
  return {
    addr: `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`,
    net: "tcp",
    prefix,
    tls: hasTls,
  };
}

/** Tells whether a server ends the connection of everybody who has no certificate of his own, as we have none. */
export function asksForCertificate({ tls }: Pick<HttpSettings, "tls">): boolean {
  return tls !== undefined && tls.clientCas.length > 0 && /^require-/.test(tls.clientAuth);
}
