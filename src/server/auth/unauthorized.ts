import { ApiError } from "../api-error.ts";
import type { Access } from "./access.ts";

/**
 * @param challenge - for `WWW-Authenticate`
 * @returns the refusal of a client that has to say who it is, with the list of what it needs as the Go registry gives it
 */
export function unauthorized(challenge: string, needed: readonly Access[]): ApiError {
  const detail = needed.map(({ type, name, action }) => ({
    Type: type,
    Class: "",
    Name: name,
    Action: action,
  }));
  return new ApiError("UNAUTHORIZED", {
    headers: { "WWW-Authenticate": challenge },
    detail: detail.length > 0 ? detail : null,
  });
}
