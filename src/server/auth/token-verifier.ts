import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { TokenAuthSettings } from "../../config/settings.ts";
import { readClaims, type TokenClaims } from "./token-claims.ts";
import { shown, TokenRefused } from "./token-refused.ts";
import { findSigner } from "./token-signer.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

/** How far the issuer's clock may be off, as in the Go registry. */
const LEEWAY_SECONDS = 60;

/** A token that has been checked. */
export interface VerifiedToken extends TokenClaims {
  /** From when on and until when the token counts, leeway included, in milliseconds since 1970. */
  validFromMs: number;
  validUntilMs: number;
}

/** What a token must be. */
export interface TokenExpectations extends Pick<TokenAuthSettings, "issuer" | "service"> {
  /** JOSE names of the signatures that are accepted. */
  algorithms: readonly string[];
}

/**
 * Checks a token: who signed it, by which algorithm, for whom and when, and reads what it allows.
 *
 * @param nowMs - since 1970
 * @throws {TokenRefused} with the reason, for our log
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export async function verifyToken(
  token: string,
  expected: TokenExpectations,
  trusted: TrustedKeys,
  nowMs: number,
): Promise<VerifiedToken> {
  let signedUntilMs = Number.POSITIVE_INFINITY;
  const payload = await checkToken(token, expected, nowMs, async (header) => {
    const { key, validUntilMs } = await findSigner(header, trusted, nowMs);
    signedUntilMs = validUntilMs;
    // A public key is no secret: it must never be taken for one, nor serve for a signature of another kind.
    if (typeof header["alg"] === "string" && key.algorithms.includes(header["alg"])) return key.publicKey;
    throw new TokenRefused("its key is not for the algorithm that it names");
  });
  const { exp = 0, nbf = 0 } = payload;
  return {
    ...readClaims(payload),
    validFromMs: (nbf - LEEWAY_SECONDS) * 1000,
    validUntilMs: Math.min((exp + LEEWAY_SECONDS) * 1000, signedUntilMs),
  };
}

async function checkToken(
  token: string,
  expected: TokenExpectations,
  nowMs: number,
  findKey: JWTVerifyGetKey,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, findKey, {
      algorithms: [...expected.algorithms],
      // As lists: an empty text would switch the check off.
      issuer: [expected.issuer],
      audience: [expected.service],
      requiredClaims: ["exp"],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError)
      throw new TokenRefused(reasonOf(error, expected, nowMs), { cause: error });
    throw error;
  }
}

/** Wrong issuers, services and clocks are what goes wrong in real installations: there both sides are told. */
function reasonOf(error: errors.JOSEError, expected: TokenExpectations, nowMs: number): string {
  if (error instanceof errors.JWTExpired) {
    return `it expired ${Math.round(nowMs / 1000 - (error.payload.exp ?? 0))} s ago`;
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, payload, reason } = error;
    if (claim === "iss") return `claim iss is ${shown(payload.iss)}, not ${shown(expected.issuer)}`;
    if (claim === "aud") return `claim aud is ${shown(payload.aud)}, not ${shown(expected.service)}`;
    return `claim ${claim}: ${reason}`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is wrong";
  if (error instanceof errors.JOSEAlgNotAllowed) return "it is signed by an algorithm that is not accepted";
  return `it is malformed (${error.code})`;
}
