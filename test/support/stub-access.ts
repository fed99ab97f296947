import { ApiError } from "../../src/server/api-error.ts";
import type { Access, AccessController, Identity } from "../../src/server/auth/access.ts";
import type { Exchange } from "../../src/server/exchange.ts";

/** What a user may do: `name:action`, of repositories; `*` stands for every name. */
type Rights = Readonly<Record<string, readonly string[]>>;

/**
 * Access control for tests: who sends `Authorization: Test NAME` is that user, with the rights that the test gave. The
 * challenge holds what was asked for just as it came, so that only what keeps harmful names away protects it.
 */
export class StubAccess implements AccessController {
  /** What each request needed, in the order in which they came. */
  readonly asked: Access[][] = [];
  readonly #rights: Rights;
  readonly #isSlow: boolean;

  /** @param isSlow - whether the answer is not at hand */
  constructor(rights: Rights, isSlow = false) {
    this.#rights = rights;
    this.#isSlow = isSlow;
  }

  /** All names that were asked about. */
  get names(): string[] {
    return this.asked.flat().map((access) => access.name);
  }

  authorize(exchange: Exchange, needed: readonly Access[]): Identity | Promise<Identity> {
    this.asked.push([...needed]);
    if (!this.#isSlow) return this.#decide(exchange, needed);
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#decide(exchange, needed));
  }

  #decide(exchange: Exchange, needed: readonly Access[]): Identity {
    const user = /^Test (\w+)$/.exec(exchange.header("authorization") ?? "")?.[1];
    const rights = user === undefined ? undefined : this.#rights[user];
    const isAllowed = ({ name, action }: Access): boolean =>
      rights?.some((right) => right === `${name}:${action}` || right === `*:${action}`) ?? false;
    if (user !== undefined && rights !== undefined && needed.every(isAllowed)) return { user };
    const scope = needed.map(({ type, name, action }) => `${type}:${name}:${action}`).join(" ");
    throw new ApiError("UNAUTHORIZED", {
      headers: { "WWW-Authenticate": `Test realm="stub",scope="${scope}"` },
      detail: needed.map(({ type, name, action }) => ({ Type: type, Name: name, Action: action })),
    });
  }
}

/** All that can be done with a repository. */
export function everythingIn(name: string): string[] {
  return [`${name}:pull`, `${name}:push`, `${name}:delete`];
}
