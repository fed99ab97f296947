import type { TokenAuthSettings } from "../../config/settings.ts";
import { type ClientView, originOf } from "../external-url.ts";
import type { Access } from "./access.ts";
import { quotedForHeader } from "./quoted-header.ts";

/** Why a client is challenged, as far as it is told. */
export type ChallengeError = "invalid_token" | "insufficient_scope";

/** What of `auth.token` decides the challenge. */
export type ChallengeSettings = Pick<
  TokenAuthSettings,
  "realm" | "service" | "autoRedirect" | "autoRedirectPath"
>;

/**
 * Writes the `WWW-Authenticate` header by which clients know where to get a token, and which one.
 *
 * @param error - undefined for a client that sent no token at all
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3
 */
export function bearerChallenge(
  settings: ChallengeSettings,
  client: ClientView,
  needed: readonly Access[],
  error?: ChallengeError,
): string {
  const parameters = [
    `realm=${quotedForHeader(realmFor(settings, client))}`,
    `service=${quotedForHeader(settings.service)}`,
  ];
  const scope = scopeOf(needed);
  if (scope !== "") parameters.push(`scope=${quotedForHeader(scope)}`);
  if (error !== undefined) parameters.push(`error=${quotedForHeader(error)}`);
  return `Bearer ${parameters.join(",")}`;
}

/**
 * Joins what is needed to scopes, such as `repository:group/project:pull,push`: one for each resource, with a space
 * between two.
 */
export function scopeOf(needed: readonly Access[]): string {
  const actions = new Map<string, Set<string>>();
  for (const { type, name, action } of needed) {
    const resource = `${type}:${name}`;
    const known = actions.get(resource);
    if (known) known.add(action);
    else actions.set(resource, new Set([action]));
  }
  return [...actions].map(([resource, each]) => `${resource}:${[...each].join(",")}`).join(" ");
}

/**
 * With `autoredirect` clients are sent to the host by which they know us. Encryption is taken for granted unless a
 * proxy says otherwise, as the Go registry does: passwords go there.
 */
function realmFor(settings: ChallengeSettings, client: ClientView): string {
  if (!settings.autoRedirect) return settings.realm;
  const origin = originOf({ headers: client.headers, encrypted: true });
  return origin === undefined ? settings.realm : `${origin}${settings.autoRedirectPath}`;
}
