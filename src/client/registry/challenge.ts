/** What a registry asks for in answer to a request without, or with the wrong, credentials. */
export type Challenge =
  | { kind: "basic" }
  | {
      kind: "bearer";
      realm: string;
      service: string | undefined;
      scope: string | undefined;
      /** Why the token that was shown is of no use: `invalid_token` or `insufficient_scope`. */
      error?: string;
    };

/**
 * @param header - of `WWW-Authenticate`
 * @returns what is asked for; undefined if it is nothing that we know
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const [, scheme = "", rest = ""] = /^\s*(\w+)\s*([\s\S]*)$/.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() === "basic") return { kind: "basic" };
  if (scheme.toLowerCase() !== "bearer") return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = "", quoted, plain] of rest.matchAll(/(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/g)) {
    parameters.set(name.toLowerCase(), quoted ?? plain ?? "");
  }
  const realm = parameters.get("realm");
  if (realm === undefined) return undefined;
  const error = parameters.get("error");
  return {
    kind: "bearer",
    realm,
    service: parameters.get("service"),
    scope: parameters.get("scope"),
    ...(error === undefined ? {} : { error }),
  };
}
