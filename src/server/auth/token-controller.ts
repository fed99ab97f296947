import { LRUCache } from "lru-cache";
import type { TokenAuthSettings } from "../../config/settings.ts";
import { ConfigError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import type { ApiError } from "../api-error.ts";
import type { Exchange } from "../exchange.ts";
import type { Access, AccessController, Identity } from "./access.ts";
import { bearerChallenge, type ChallengeError, scopeOf } from "./challenge.ts";
import { HMAC_ALGORITHMS, SIGNING_ALGORITHMS } from "./token-algorithms.ts";
import { shown, TokenRefused } from "./token-refused.ts";
import { type TokenExpectations, type VerifiedToken, verifyToken } from "./token-verifier.ts";
import { TrustedKeyFiles } from "./trusted-key-files.ts";
import type { TrustedKeys } from "./trusted-keys.ts";
import { unauthorized } from "./unauthorized.ts";

/** Tokens that are remembered: as many as clients may use at the same time, and no more memory than this. */
const MAX_REMEMBERED_TOKENS = 5_000;
const MAX_REMEMBERED_CHARS = 16 * 1024 * 1024;

const SCHEME = "bearer ";

/** What of a request a token is looked for in, and its challenge made of. */
export type TokenBearer = Pick<Exchange, "header" | "client" | "clientAddress">;

/** What a {@link TokenController} is given for tests. */
export interface TokenControllerOptions {
  /** Milliseconds since 1970. */
  nowMs?: () => number;
}

/**
 * Access control by tokens that another server signs (`auth.token`). A token that has been checked is remembered, so
 * that the many requests of a pull or push are answered without waiting for cryptography.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export class TokenController implements AccessController {
  readonly #settings: TokenAuthSettings;
  readonly #expected: TokenExpectations;
  readonly #files: TrustedKeyFiles;
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #verified = new LRUCache<string, VerifiedToken>({
    max: MAX_REMEMBERED_TOKENS,
    maxSize: MAX_REMEMBERED_CHARS,
    sizeCalculation: (_verified, token) => token.length,
  });
  #keys: TrustedKeys;

  /** @throws {ConfigError} if a file or a signature algorithm cannot be used */
  constructor(settings: TokenAuthSettings, logger: Logger, options: TokenControllerOptions = {}) {
    this.#settings = settings;
    this.#logger = logger;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#expected = { ...settings, algorithms: acceptedAlgorithms(settings.signingAlgorithms, logger) };
    this.#files = new TrustedKeyFiles(settings, logger);
    this.#keys = this.#files.current;
  }

  authorize(exchange: TokenBearer, needed: readonly Access[]): Identity | Promise<Identity> {
    const token = tokenIn(exchange.header("authorization"));
    if (token === undefined) throw this.#challenge(exchange, needed);
    const known = this.#recall(token);
    return known ? this.#admit(exchange, needed, known) : this.#verify(exchange, needed, token);
  }

  /** Forgets all tokens when the keys have changed: one of them may have been withdrawn. */
  #recall(token: string): VerifiedToken | undefined {
    const keys = this.#files.current;
    if (keys !== this.#keys) {
      this.#keys = keys;
      this.#verified.clear();
    }
    const known = this.#verified.get(token);
    if (known === undefined) return undefined;
    const nowMs = this.#nowMs();
    if (known.validFromMs <= nowMs && nowMs < known.validUntilMs) return known;
    this.#verified.delete(token);
    return undefined;
  }

  async #verify(exchange: TokenBearer, needed: readonly Access[], token: string): Promise<Identity> {
    const keys = this.#keys;
    let verified: VerifiedToken;
    try {
      verified = await verifyToken(token, this.#expected, keys, this.#nowMs());
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      this.#logger.debug("refused a token", { reason: error.message, client: exchange.clientAddress });
      throw this.#challenge(exchange, needed, "invalid_token");
    }
    if (keys === this.#keys) this.#verified.set(token, verified);
    return this.#admit(exchange, needed, verified);
  }

  #admit(exchange: TokenBearer, needed: readonly Access[], { user, access }: VerifiedToken): Identity {
    const lacking = needed.filter((each) => !access.allows(each));
    if (lacking.length === 0) return { user };
    this.#logger.debug("a token does not allow enough", {
      user,
      lacking: shown(scopeOf(lacking)),
      client: exchange.clientAddress,
    });
    throw this.#challenge(exchange, needed, "insufficient_scope");
  }

  /**
   * Not 403 for a token that allows too little, though that is what RFC 6750 has: clients start with a small token, and
   * ask for a larger one only where they are told 401 with the scope.
   */
  #challenge(exchange: TokenBearer, needed: readonly Access[], error?: ChallengeError): ApiError {
    return unauthorized(bearerChallenge(this.#settings, exchange.client, needed, error), needed);
  }
}

/** @returns what stands behind `Bearer`; undefined for another scheme or something that is no single word */
function tokenIn(authorization: string | undefined): string | undefined {
  if (authorization?.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  const token = authorization.slice(SCHEME.length);
  return token === "" || token.includes(" ") ? undefined : token;
}

function acceptedAlgorithms(names: readonly string[], logger: Logger): readonly string[] {
  if (names.length === 0) return SIGNING_ALGORITHMS;
  const key = "auth.token.signingalgorithms";
  const hint = `choose from ${SIGNING_ALGORITHMS.join(", ")}, or leave the key out to accept all of them`;
  const unknown = names.find((name) => !SIGNING_ALGORITHMS.includes(name) && !HMAC_ALGORITHMS.includes(name));
  if (unknown !== undefined)
    throw new ConfigError(`${key}: there is no algorithm ${shown(unknown)}`, { hint });
  const accepted = names.filter((name) => SIGNING_ALGORITHMS.includes(name));
  if (accepted.length === 0) {
    throw new ConfigError(`${key} has nothing but HMAC, which needs a secret in place of a public key`, {
      hint,
    });
  }
  if (accepted.length < names.length) {
    logger.warn(`${key}: HMAC is not accepted: it needs a secret in place of a public key`);
  }
  return accepted;
}
