import { createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { libtrustFingerprint } from "../../lib/key-fingerprints.ts";

/** Whom a token is from and for. */
export interface GitlabTokenOptions {
  issuer: string;
  /** The service that asks for it. */
  audience: string;
  /** What it allows. */
  access: readonly { type: string; name: string; actions: readonly string[] }[];
  /** Our clock, in milliseconds since 1970. */
  nowMs: number;
}

/** GitLab's own for its registry, unless an administrator has changed it. */
export const TOKEN_LIFE_SECONDS = 300;
/** GitLab gives other clocks this much. */
const EARLIER_SECONDS = 5;

/**
 * Signs a token as GitLab does: RS256, the key named by its libtrust fingerprint. With a key on the curve P-256 it is ES256,
 * which registries take too and GitLab never has.
 *
 * @param privateKey - an RSA key, or an EC key on the curve P-256
 * @see https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/json_web_token/rsa_token.rb
 */
export function signGitlabToken(
  privateKey: KeyObject,
  { issuer, audience, access, nowMs }: GitlabTokenOptions,
): Promise<string> {
  const now = Math.floor(nowMs / 1000);
  return new SignJWT({ access })
    .setProtectedHeader({
      kid: libtrustFingerprint(createPublicKey(privateKey)),
      typ: "JWT",
      alg: privateKey.asymmetricKeyType === "ec" ? "ES256" : "RS256",
    })
    .setJti(randomUUID())
    .setAudience(audience)
    .setIssuer(issuer)
    .setIssuedAt(now)
    .setNotBefore(now - EARLIER_SECONDS)
    .setExpirationTime(now + TOKEN_LIFE_SECONDS)
    .sign(privateKey);
}
