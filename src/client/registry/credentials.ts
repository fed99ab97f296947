/** Something that a token may be asked to allow. */
export interface WantedAccess {
  /** `repository` or `registry`. */
  type: string;
  name: string;
  actions: readonly string[];
}

/** What a registry, or the token service that it names, is shown. */
export type Credentials =
  | { kind: "basic"; user: string; password: string }
  /** A token for the registry itself. */
  | { kind: "bearer"; token: string }
  /** What a token service has given for later, in the place of a password. */
  | { kind: "identity"; token: string }
  /** We are the token service. */
  | { kind: "signed"; sign: (request: SigningRequest) => Promise<SignedToken> };

/** What a token is to be signed for. */
export interface SigningRequest {
  /** As the registry's challenge names it; undefined if it does not. */
  service: string | undefined;
  access: readonly WantedAccess[];
}

/** A token that was signed here. */
export interface SignedToken {
  token: string;
  lifeSeconds: number;
}

/** @returns the value of an Authorization header */
export function basicHeader({ user, password }: Extract<Credentials, { kind: "basic" }>): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

/**
 * @param scope - such as `repository:a/b:pull,delete`; names may hold colons, as those with a port do
 * @returns undefined if it is none
 */
export function parseScope(scope: string): WantedAccess | undefined {
  const [, type, name, actions] = /^([a-z]+(?:\([a-z]+\))?):(.+):([a-z*,]+)$/.exec(scope) ?? [];
  if (type === undefined || name === undefined || actions === undefined) return undefined;
  return { type, name, actions: actions.split(",") };
}
