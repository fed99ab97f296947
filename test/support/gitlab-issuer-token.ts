import { createHash, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { SignJWT } from "jose";

/** One entry of a token's `access` claim. */
export interface GrantedAccess {
  type: string;
  name: string;
  actions: string[];
  /** What GitLab's own registry wants to know of the project. */
  meta?: { project_path: string; project_id: number; root_namespace_id: number };
}

/** What a token says; claims without a value are left out, as GitLab leaves them out. */
export interface TokenContent {
  issuer: string;
  audience: string;
  subject?: string | undefined;
  /** Seconds since 1970. */
  issuedAt: number;
  expiresAt: number;
  /** `auth_type`, `access` and `user`. */
  more: Record<string, unknown>;
}

/** Signs a token as GitLab's JSONWebToken::RSAToken does. */
export function signToken(key: KeyObject, content: TokenContent): Promise<string> {
  const token = new SignJWT(content.more)
    .setProtectedHeader({ typ: "JWT", alg: "RS256", kid: libtrustKeyId(key) })
    .setJti(randomUUID())
    .setIssuer(content.issuer)
    .setAudience(content.audience)
    .setIssuedAt(content.issuedAt)
    .setNotBefore(content.issuedAt - 5)
    .setExpirationTime(content.expiresAt);
  if (content.subject !== undefined) token.setSubject(content.subject);
  return token.sign(key);
}

/**
 * The name that libtrust gives to a key: the first 240 bits of the SHA-256 of the public key's DER form, in base32, in
 * groups of four.
 *
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
function libtrustKeyId(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  const digest = createHash("sha256").update(der).digest().subarray(0, 30);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = (bits.match(/.{5}/g) ?? [])
    .map((five) => alphabet.charAt(Number.parseInt(five, 2)))
    .join("");
  return (letters.match(/.{4}/g) ?? []).join(":");
}
