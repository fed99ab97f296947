import { createPublicKey, type KeyObject } from "node:crypto";
import { verifyCertificateChain } from "./certificate-chain.ts";
import { abilityOf } from "./token-algorithms.ts";
import { isRecord } from "./token-claims.ts";
import { shown, TokenRefused } from "./token-refused.ts";
import type { TrustedKey, TrustedKeys } from "./trusted-keys.ts";

/** Who signed a token, if the signature is right. */
export interface TokenSigner {
  key: TrustedKey;
  /** When its certificates expire, in milliseconds since 1970; infinite where none were looked at. */
  validUntilMs: number;
}

/**
 * Finds the key that a token's header names: by its certificates (`x5c`), by the key itself (`jwk`), which must be one
 * of ours, or by a name (`kid`), looked for in this order as the Go registry does. A token that names none is refused
 * there as well, even where only one key could be meant.
 *
 * A key that is named by `kid` counts whether or not its certificate has expired, as in the Go registry: there the
 * certificate is only what the key is wrapped in.
 *
 * @param header - nothing of it has been checked
 * @throws {TokenRefused} with the reason
 */
export async function findSigner(
  header: Readonly<Record<string, unknown>>,
  trusted: TrustedKeys,
  nowMs: number,
): Promise<TokenSigner> {
  const { x5c, jwk, kid } = header;
  if (isPresent(x5c) && trusted.anchors.length > 0) return signerByChain(x5c, trusted, nowMs);
  if (isPresent(jwk)) return signerByKey(jwk, trusted, nowMs);
  if (!isPresent(kid)) throw new TokenRefused("it names no key: there is neither x5c nor jwk nor kid");
  if (typeof kid !== "string") throw new TokenRefused("kid is no text");
  const key = await trusted.find(kid);
  if (key === undefined) throw new TokenRefused(`it is signed by a key that is not trusted: ${shown(kid)}`);
  return { key, validUntilMs: Number.POSITIVE_INFINITY };
}

/** Empty is absent, as in the Go registry. */
function isPresent(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return false;
  return !Array.isArray(value) || value.length > 0;
}

async function signerByChain(x5c: unknown, trusted: TrustedKeys, nowMs: number): Promise<TokenSigner> {
  if (!Array.isArray(x5c)) throw new TokenRefused("x5c is no list");
  const { leaf, validUntilMs } = await verifyCertificateChain(x5c, trusted.anchors, nowMs);
  const publicKey = publicKeyOf(() => leaf.publicKey, "the certificate in x5c");
  const ability = abilityOf(publicKey);
  if ("problem" in ability) {
    throw new TokenRefused(`the certificate in x5c cannot be used: ${ability.problem}`);
  }
  return { key: { publicKey, algorithms: ability.algorithms }, validUntilMs };
}

/** Names in a `jwk` prove nothing, as anybody can write them: only the key counts, or certificates for that key. */
async function signerByKey(jwk: unknown, trusted: TrustedKeys, nowMs: number): Promise<TokenSigner> {
  if (!isRecord(jwk)) throw new TokenRefused("jwk is no object");
  const publicKey = publicKeyOf(() => createPublicKey({ key: jwk, format: "jwk" }), "jwk");
  const key = trusted.findSame(publicKey);
  if (key) return { key, validUntilMs: Number.POSITIVE_INFINITY };
  const { x5c } = jwk;
  if (!isPresent(x5c) || trusted.anchors.length === 0)
    throw new TokenRefused("jwk is a key that is not trusted");
  const signer = await signerByChain(x5c, trusted, nowMs);
  if (signer.key.publicKey.equals(publicKey)) return signer;
  throw new TokenRefused("jwk is another key than that of the certificates in it");
}

function publicKeyOf(read: () => KeyObject, what: string): KeyObject {
  try {
    return read();
  } catch {
    throw new TokenRefused(`${what} holds no public key that can be read`);
  }
}
