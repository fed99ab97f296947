import { readFileSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import type { LetsEncryptSettings } from "../config/settings.ts";
import { ACME_PROTOCOL, challengePath } from "../lib/acme-files.ts";

/** What Node wants for deciding on the protocol of a connection. */
type Negotiate = (this: TLSSocket, offer: { servername: string; protocols: string[] }) => string | undefined;

/**
 * Makes the choice of protocols for a server that also proves to an authority that it is reached by a host's name: a
 * client that offers nothing but that protocol is shown the certificate that whoever is ordering has put into the
 * cache. Of other names than the configured ones no file is looked for.
 *
 * @param protocols - that are spoken with everybody else, the best first
 */
export function negotiateWithChallenges(
  { cacheFolder, hosts }: LetsEncryptSettings,
  protocols: readonly string[],
): Negotiate {
  return function negotiate({ servername, protocols: offered }) {
    if (!offered.includes(ACME_PROTOCOL)) return protocols.find((each) => offered.includes(each));
    const host = hosts.find((each) => each === servername.toLowerCase());
    if (host === undefined || offered.length !== 1) return undefined;
    try {
      const pem = readFileSync(challengePath(cacheFolder, host));
      this.setKeyCert({ cert: pem, key: pem });
      return ACME_PROTOCOL;
    } catch {
      // Nothing is being ordered for this host now.
      return undefined;
    }
  };
}
