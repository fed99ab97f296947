import { LRUCache } from "lru-cache";
import type { Challenge } from "./challenge.ts";
import { basicHeader, type Credentials, parseScope } from "./credentials.ts";
import type { Connections } from "./http-request.ts";
import { askTokenService, realmOf } from "./token-service.ts";

type BearerChallenge = Extract<Challenge, { kind: "bearer" }>;

/**
 * A token is asked for again after this share of its life: by then requests that are under way with it still have time, and a
 * registry whose clock is ahead still takes it.
 */
const RENEWED_AFTER = 0.6;
/** Repositories whose tokens are remembered. */
const MAX_REMEMBERED = 1000;

interface Held {
  header: string;
  challenge: BearerChallenge;
  /** By our clock. */
  renewAtMs: number;
}

/** What tokens are made with. */
export interface RegistryTokensOptions {
  address: URL;
  credentials: Credentials | undefined;
  connections: Connections;
  /** Milliseconds of a clock that is never set. */
  nowMs: () => number;
}

/** Turns what a registry asks for into the header that it wants to see, and renews it in time. */
export class RegistryTokens {
  readonly #options: RegistryTokensOptions;
  readonly #held = new LRUCache<string, Held>({ max: MAX_REMEMBERED });
  /** Tokens on their way, by scope: many requests find out at the same time that they need one. */
  readonly #asked = new Map<string, Promise<string>>();
  #wantsBasic = false;

  constructor(options: RegistryTokensOptions) {
    this.#options = options;
  }

  /**
   * What may be sent before anybody asks; undefined: nothing.
   *
   * @param scope - such as `repository:a/b:pull`
   * @throws {RegistryAnswerError} if a token has to be renewed and the token service gives none
   */
  async header(scope: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { credentials, nowMs } = this.#options;
    if (credentials?.kind === "bearer") return `Bearer ${credentials.token}`;
    if (this.#wantsBasic && credentials?.kind === "basic") return basicHeader(credentials);
    const held = this.#held.get(scope);
    if (held === undefined || nowMs() < held.renewAtMs) return held?.header;
    return this.#renew(held.challenge, scope, signal);
  }

  /**
   * @param scope - what is wanted, where the registry does not say
   * @param refused - the header that was sent, if any
   * @returns the header; undefined if there is nothing else to answer with
   * @throws {RegistryAnswerError} if the token service gives no token
   */
  async answer(
    challenge: Challenge,
    scope: string,
    { refused, signal }: { refused?: string | undefined; signal?: AbortSignal | undefined },
  ): Promise<string | undefined> {
    const { credentials } = this.#options;
    if (credentials?.kind === "bearer") return undefined;
    if (challenge.kind === "basic") {
      if (credentials?.kind !== "basic") return undefined;
      this.#wantsBasic = true;
      const header = basicHeader(credentials);
      return header === refused ? undefined : header;
    }
    if (challenge.error === "insufficient_scope") return undefined;
    const held = this.#held.get(scope);
    if (held && held.header !== refused) return held.header;
    return this.#renew(challenge, scope, signal);
  }

  #renew(challenge: BearerChallenge, scope: string, signal: AbortSignal | undefined): Promise<string> {
    const known = this.#asked.get(scope);
    if (known !== undefined) return known;
    const asked = this.#ask(challenge, scope, signal).finally(() => this.#asked.delete(scope));
    this.#asked.set(scope, asked);
    return asked;
  }

  async #ask(challenge: BearerChallenge, scope: string, signal: AbortSignal | undefined): Promise<string> {
    const { address, credentials, connections, nowMs } = this.#options;
    const begunMs = nowMs();
    const scopes = (challenge.scope ?? scope).split(/\s+/).filter(Boolean);
    const { token, lifeSeconds } =
      credentials?.kind === "signed"
        ? await credentials.sign({
            service: challenge.service,
            access: scopes.flatMap((text) => parseScope(text) ?? []),
          })
        : await askTokenService(
            { realm: realmOf(challenge.realm, address, credentials), service: challenge.service, scopes },
            { credentials, connections, signal },
          );
    const header = `Bearer ${token}`;
    this.#held.set(scope, { header, challenge, renewAtMs: begunMs + lifeSeconds * 1000 * RENEWED_AFTER });
    return header;
  }
}
