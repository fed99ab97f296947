import type { SillyAuthSettings } from "../../config/settings.ts";
import type { Exchange } from "../exchange.ts";
import type { Access, AccessController, Identity } from "./access.ts";
import { quotedForHeader } from "./quoted-header.ts";
import { unauthorized } from "./unauthorized.ts";

/**
 * Lets in whoever sends any `Authorization` header, as the Go registry's `auth.silly`: for tests of clients, it protects
 * nothing.
 */
export class SillyController implements AccessController {
  readonly #challenge: string;

  constructor(settings: SillyAuthSettings) {
    this.#challenge = `Bearer realm=${quotedForHeader(settings.realm)},service=${quotedForHeader(settings.service)}`;
  }

  authorize(exchange: Exchange, needed: readonly Access[]): Identity {
    if (exchange.header("authorization")) return { user: "silly" };
    const scope = needed.map(({ type, name, action }) => `${type}:${name}:${action}`).join(" ");
    const challenge = scope === "" ? this.#challenge : `${this.#challenge},scope=${quotedForHeader(scope)}`;
    throw unauthorized(challenge, needed);
  }
}
