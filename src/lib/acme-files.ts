import { join } from "node:path";

/** The protocol by which an authority asks for a proof, and nothing else. @see https://www.rfc-editor.org/rfc/rfc8737 */
export const ACME_PROTOCOL = "acme-tls/1";

/** The challenges of an order that is being made, a file for each host. */
export function challengesFolder(cacheFolder: string): string {
  return join(cacheFolder, "registry-ctl-challenges");
}

/** What is shown for `host` to the authority: certificate and key, in PEM form. */
export function challengePath(cacheFolder: string, host: string): string {
  return join(challengesFolder(cacheFolder), `${host}.pem`);
}

/** The certificate chain with its key in one PEM file, so that they are replaced together. */
export function certificatePath(cacheFolder: string): string {
  return join(cacheFolder, "registry-ctl.pem");
}
