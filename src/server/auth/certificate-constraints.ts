import type { X509Certificate } from "node:crypto";
import { TokenRefused } from "./token-refused.ts";

const BASIC_CONSTRAINTS = "2.5.29.19";

/** Extensions that restrict in ways that are looked at elsewhere, or that do not concern signatures of tokens. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  BASIC_CONSTRAINTS,
  "2.5.29.14", // subject key identifier
  "2.5.29.15", // key usage: Node looks at it where a certificate is issued
  "2.5.29.17", // subject alternative name
  "2.5.29.18", // issuer alternative name
  "2.5.29.31", // distribution points of revocation lists
  "2.5.29.32", // policies
  "2.5.29.35", // authority key identifier
  "2.5.29.37", // extended key usage: none is meant for tokens
]);

/**
 * Checks what Node does not tell of certificates: how many authorities may stand below one, and that none is
 * restricted in a way that we do not understand (by names, say).
 *
 * @param path - from the signer's certificate to the trusted one
 * @throws {TokenRefused} with the reason
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-6.1
 */
export async function checkConstraints(path: readonly X509Certificate[]): Promise<void> {
  // Loaded here, as few issuers send certificates and it takes a while. The library finds its parts through the first.
  await import("reflect-metadata");
  const { BasicConstraintsExtension, X509Certificate: Parsed } = await import("@peculiar/x509");
  let authoritiesBelow = 0;
  for (const [index, certificate] of path.entries()) {
    const { extensions } = new Parsed(certificate.raw);
    const strange = extensions.find(({ critical, type }) => critical && !UNDERSTOOD.has(type));
    if (strange)
      throw new TokenRefused(`a certificate has a restriction that is unknown here: ${strange.type}`);
    if (index === 0) continue;
    const basic = extensions.find((extension) => extension instanceof BasicConstraintsExtension);
    if ((basic?.pathLength ?? authoritiesBelow) < authoritiesBelow) {
      throw new TokenRefused("an authority in the chain has more authorities below it than it may");
    }
    // One that issued itself under a new key does not count.
    if (certificate.subject !== certificate.issuer) authoritiesBelow++;
  }
}
