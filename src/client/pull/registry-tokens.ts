import type { Challenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { httpGet, textOf } from "./http-get.ts";
import { RegistryAnswerError } from "./registry-errors.ts";

/** Turns what a registry asks for into the header that it wants to see. */
export class RegistryTokens {
  readonly #address: URL;
  readonly #credentials: Credentials | undefined;

  constructor(address: URL, credentials: Credentials | undefined) {
    this.#address = address;
    this.#credentials = credentials;
  }

  /** What may be sent before anybody asks; undefined: nothing. */
  get known(): string | undefined {
    return this.#credentials?.kind === "bearer" ? `Bearer ${this.#credentials.token}` : undefined;
  }

  /**
   * @param scope - what is wanted, where the registry does not say
   * @returns the header; undefined if there is nothing to answer with
   * @throws {RegistryAnswerError} if the token service gives no token
   */
  async answer(
    challenge: Challenge,
    scope: string,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const credentials = this.#credentials;
    if (credentials?.kind === "bearer") return undefined;
    if (challenge.kind === "basic") return credentials && basic(credentials);
    const realm = this.#realmOf(challenge.realm);
    if (challenge.service !== undefined) realm.searchParams.set("service", challenge.service);
    realm.searchParams.set("scope", challenge.scope ?? scope);
    const answer = await httpGet(realm, {
      authorization: credentials && basic(credentials),
      signal,
    });
    const text = await textOf(answer);
    const status = answer.statusCode ?? 0;
    if (status !== 200) {
      throw new RegistryAnswerError(`the token service at ${realm.host} answers ${status}`, {
        isPassing: status === 429 || status >= 500,
        hint: credentials ? undefined : "name credentials with --auth-file or in the environment",
      });
    }
    const token = tokenOf(text);
    if (token === undefined)
      throw new RegistryAnswerError(`the token service at ${realm.host} gives no token`);
    return `Bearer ${token}`;
  }

  /** Credentials for a registry with TLS go nowhere without. */
  #realmOf(text: string): URL {
    let realm: URL;
    try {
      realm = new URL(text, this.#address);
    } catch (cause) {
      throw new RegistryAnswerError(`${this.#address.host} names no token service that there can be`, {
        cause,
      });
    }
    if (realm.protocol !== "https:" && (realm.protocol !== "http:" || this.#address.protocol === "https:")) {
      throw new RegistryAnswerError(`${this.#address.host} names a token service without TLS: ${realm.host}`);
    }
    return realm;
  }
}

function basic({ user, password }: Extract<Credentials, { kind: "basic" }>): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function tokenOf(text: string): string | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const fields: Record<string, unknown> = typeof json === "object" && json !== null ? { ...json } : {};
    const token = fields["token"] ?? fields["access_token"];
    return typeof token === "string" && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
  } catch {
    return undefined;
  }
}
