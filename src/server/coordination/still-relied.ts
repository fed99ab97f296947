import { ApiError } from "../api-error.ts";

/** @returns why a removal that a client wants cannot be carried out now */
export function stillRelied(): ApiError {
  const reason = "requests that rely on this content are under way, try again in a moment";
  return new ApiError("UNAVAILABLE", { detail: { reason } });
}
