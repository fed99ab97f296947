import type { KeyObject } from "node:crypto";

const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

const BY_CURVE: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};

const EDWARDS = ["EdDSA", "Ed25519"];

/**
 * The signatures that can be accepted: those by which one party signs and the other can only check. The Go registry
 * also knows HMAC, for which the keys that it checks with would have to be secret.
 * @see https://www.rfc-editor.org/rfc/rfc8725#section-3.1
 */
export const SIGNING_ALGORITHMS: readonly string[] = [...RSA, ...Object.values(BY_CURVE), ...EDWARDS];

/** Names that the Go registry takes in `signingalgorithms` too, and that nothing is signed with here. */
export const HMAC_ALGORITHMS: readonly string[] = ["HS256", "HS384", "HS512"];

/** Below it RSA is broken with money rather than luck. */
const MIN_RSA_BITS = 2048;

/** Which signatures a key can check, or why it cannot check any. */
export type KeyAbility = { algorithms: readonly string[] } | { problem: string };

/**
 * Tells what a key can be used for by its own type, whatever a token says: an RSA key checks no HMAC.
 *
 * @param publicKey - of any type
 */
export function abilityOf(publicKey: KeyObject): KeyAbility {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  if (type === "rsa") {
    const bits = details?.modulusLength ?? 0;
    if (bits >= MIN_RSA_BITS) return { algorithms: RSA };
    return { problem: `its RSA key has ${bits} bits, fewer than ${MIN_RSA_BITS}` };
  }
  if (type === "ec") {
    const algorithm = BY_CURVE[details?.namedCurve ?? ""];
    if (algorithm !== undefined) return { algorithms: [algorithm] };
    return { problem: `its curve ${details?.namedCurve} is none of P-256, P-384 and P-521` };
  }
  if (type === "ed25519") return { algorithms: EDWARDS };
  return { problem: `its key is of type ${type}, not RSA, EC or Ed25519` };
}
