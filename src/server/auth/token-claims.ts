import { AccessSet } from "./access-set.ts";
import { TokenRefused } from "./token-refused.ts";

/** What a token says of who sends it, apart from what makes it valid. */
export interface TokenClaims {
  /** `sub`; empty for somebody without a name, whom GitLab gives tokens for public projects. */
  user: string;
  access: AccessSet;
}

/**
 * Reads the claims `sub` and `access`. Null counts as absent, as in the Go registry; unknown members are passed over,
 * such as GitLab's `meta`.
 *
 * @param payload - whose signature has been checked; its form has not
 * @throws {TokenRefused} if a claim is not of its type
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export function readClaims(payload: Readonly<Record<string, unknown>>): TokenClaims {
  const access = new AccessSet();
  for (const entry of listOr(payload["access"], "access")) {
    if (!isRecord(entry)) throw new TokenRefused("claim access has an entry that is no object");
    const actions = listOr(entry["actions"], "actions").map((action) => textOr(action, "actions"));
    access.add(textOr(entry["type"], "type"), textOr(entry["name"], "name"), actions);
  }
  return { user: textOr(payload["sub"], "sub"), access };
}

/** @returns whether a value is an object of JSON, not a list and not null */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOr(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new TokenRefused(`claim ${name} is no list`);
}

function textOr(value: unknown, name: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  throw new TokenRefused(`claim ${name} holds something else than text`);
}
