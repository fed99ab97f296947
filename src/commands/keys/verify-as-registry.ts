import type { TokenAuthSettings } from "../../config/settings.ts";
import type { TrustFiles } from "../../operations/keys/check-keys.ts";
import { SIGNING_ALGORITHMS } from "../../server/auth/token-algorithms.ts";
import { verifyToken } from "../../server/auth/token-verifier.ts";
import { parseTrustedBundle } from "../../server/auth/trusted-bundle.ts";
import { parseTrustedKeySet } from "../../server/auth/trusted-key-set.ts";
import { TrustedKeys } from "../../server/auth/trusted-keys.ts";

/**
 * Checks a token as our server does that has these settings and files.
 *
 * @throws {Error} with the reason why it is refused
 */
export async function verifyAsRegistry(
  token: string,
  { bundle, jwks }: TrustFiles,
  { issuer, service, signingAlgorithms }: TokenAuthSettings,
): Promise<void> {
  const trusted = new TrustedKeys([
    ...(bundle ? [parseTrustedBundle(bundle)] : []),
    ...(jwks ? [parseTrustedKeySet(jwks)] : []),
  ]);
  const algorithms = signingAlgorithms.length > 0 ? signingAlgorithms : SIGNING_ALGORITHMS;
  await verifyToken(token, { issuer, service, algorithms }, trusted, Date.now());
}
