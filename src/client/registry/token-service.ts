import { parseUrl } from "../../lib/parse-url.ts";
import { basicHeader, type Credentials, type SignedToken } from "./credentials.ts";
import { bytesOf, type Connections, type HttpAnswer, sendRequest } from "./http-request.ts";
import { isPassingStatus, RegistryAnswerError } from "./registry-errors.ts";
import { retryAfterOf } from "./retry-after.ts";

/** Where the answer does not say how long its token lives; GitLab's does not. @see https://distribution.github.io/distribution/spec/auth/token/ */
const USUAL_LIFE_SECONDS = 60;
const MAX_LIFE_SECONDS = 86_400;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Who we are, for services that give tokens for identity tokens. */
const CLIENT_ID = "registry-ctl";

/** What a token is wanted for. */
export interface TokenQuestion {
  /** What {@link realmOf} gives. */
  realm: URL;
  service: string | undefined;
  scopes: readonly string[];
}

type ServiceCredentials = Exclude<Credentials, { kind: "signed" | "bearer" }>;

/**
 * Finds out where tokens are given. Credentials go there only with TLS, unless it is on this machine, or on the registry's own host and
 * that has no TLS either.
 *
 * @param text - as the registry names it
 * @throws {RegistryAnswerError}
 */
export function realmOf(text: string, address: URL, credentials: Credentials | undefined): URL {
  const realm = parseUrl(text, address);
  if (realm === undefined)
    throw new RegistryAnswerError(`${address.host} names no token service that there can be`);
  if (realm.protocol === "https:") return realm;
  if (realm.protocol === "http:") {
    if (isLoopback(realm.hostname)) return realm;
    const isNear = address.protocol === "http:" && realm.hostname === address.hostname;
    if (isNear || (address.protocol === "http:" && credentials === undefined)) return realm;
  }
  throw new RegistryAnswerError(`${address.host} names a token service without TLS: ${realm.host}`, {
    hint: "give the token service https in auth.token.realm of the registry's configuration",
  });
}

/**
 * @throws {RegistryAnswerError} if it gives no token
 * @throws {CancelledError}
 */
export async function askTokenService(
  { realm, service, scopes }: TokenQuestion,
  options: {
    credentials: Credentials | undefined;
    connections: Connections;
    signal: AbortSignal | undefined;
  },
): Promise<SignedToken> {
  const { connections, signal } = options;
  const credentials =
    options.credentials?.kind === "basic" || options.credentials?.kind === "identity"
      ? options.credentials
      : undefined;
  const { message } = await send(realm, { service, scopes }, credentials, { connections, signal });
  const text = (await bytesOf(message, MAX_ANSWER_BYTES)).toString("utf8");
  const status = message.statusCode ?? 0;
  if (status !== 200) {
    throw new RegistryAnswerError(`the token service at ${realm.host} answers ${status}`, {
      isPassing: isPassingStatus(status),
      status,
      retryAfterMs: retryAfterOf(message.headers, Date.now()),
      hint: credentials
        ? "check the user and password, or the token, and what they may do"
        : "name credentials with --auth-file or in the environment",
    });
  }
  const given = readToken(text);
  if (given === undefined) throw new RegistryAnswerError(`the token service at ${realm.host} gives no token`);
  return given;
}

function send(
  realm: URL,
  { service, scopes }: { service: string | undefined; scopes: readonly string[] },
  credentials: ServiceCredentials | undefined,
  options: { connections: Connections; signal: AbortSignal | undefined },
): Promise<HttpAnswer> {
  if (credentials?.kind === "identity") {
    // @see https://distribution.github.io/distribution/spec/auth/oauth/
    const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT_ID });
    form.set("refresh_token", credentials.token);
    if (service !== undefined) form.set("service", service);
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    const body = { type: "application/x-www-form-urlencoded", text: form.toString() };
    return sendRequest(realm, { ...options, method: "POST", body });
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  return sendRequest(url, { ...options, authorization: credentials && basicHeader(credentials) });
}

function readToken(text: string): SignedToken | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const fields: Record<string, unknown> = typeof json === "object" && json !== null ? { ...json } : {};
    const token = fields["token"] || fields["access_token"];
    if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) return undefined;
    return { token, lifeSeconds: lifeOf(fields["expires_in"]) };
  } catch {
    return undefined;
  }
}

function lifeOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) return USUAL_LIFE_SECONDS;
  return Math.min(value, MAX_LIFE_SECONDS);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
