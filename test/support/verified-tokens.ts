import { createPublicKey, type KeyObject, type X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { SIGNING_ALGORITHMS } from "../../src/server/auth/token-algorithms.ts";
import { type VerifiedToken, verifyToken } from "../../src/server/auth/token-verifier.ts";
import { parseTrustedBundle } from "../../src/server/auth/trusted-bundle.ts";
import { parseTrustedKeySet } from "../../src/server/auth/trusted-key-set.ts";
import { TrustedKeys } from "../../src/server/auth/trusted-keys.ts";
import { claimsOf, ISSUER, SERVICE } from "./token-authority.ts";

/** The clock of the tests of tokens, in milliseconds since 1970. */
export const nowMs = Date.now();

const PULL = [{ type: "repository", name: "group/project", actions: ["pull"] }];

/** What a GitLab token says that allows to pull `group/project`. */
export function pullClaims(more: Record<string, unknown> = {}): Record<string, unknown> {
  return claimsOf(PULL, more, nowMs);
}

/** @returns who trusts certificates as a bundle and keys as a key set. */
export function trust(
  certificates: readonly X509Certificate[],
  keys: readonly KeyObject[] = [],
): TrustedKeys {
  const bundle =
    certificates.length > 0 ? parseTrustedBundle(Buffer.from(certificates.join("\n"))) : undefined;
  const jwks = { keys: keys.map((each) => ({ ...createPublicKey(each).export({ format: "jwk" }) })) };
  const set = keys.length > 0 ? parseTrustedKeySet(Buffer.from(JSON.stringify(jwks))) : undefined;
  return new TrustedKeys([bundle, set].filter((each) => each !== undefined));
}

/** Checks a token as a registry does that trusts these keys. */
export function verify(
  token: string,
  trusted: TrustedKeys,
  algorithms: readonly string[] = SIGNING_ALGORITHMS,
): Promise<VerifiedToken> {
  return verifyToken(token, { issuer: ISSUER, service: SERVICE, algorithms }, trusted, nowMs);
}

/** Expects that such a registry refuses a token, for this reason. */
export async function expectRefused(
  token: string,
  reason: string | RegExp,
  trusted: TrustedKeys,
  algorithms: readonly string[] = SIGNING_ALGORITHMS,
): Promise<void> {
  await expect(verify(token, trusted, algorithms)).rejects.toMatchObject({
    name: "TokenRefused",
    message: typeof reason === "string" ? reason : expect.stringMatching(reason),
  });
}

/** @returns a part of a token */
export function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
