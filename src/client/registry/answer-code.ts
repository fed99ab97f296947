import type { IncomingMessage } from "node:http";
import { bytesOf } from "./http-request.ts";

const MAX_BYTES = 64 * 1024;

/**
 * Reads why a registry refuses something.
 *
 * @returns the first code of the body, such as `MANIFEST_UNKNOWN`; undefined if it is not a registry that answers
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export async function answerCodeOf(message: IncomingMessage): Promise<string | undefined> {
  try {
    const json: unknown = JSON.parse((await bytesOf(message, MAX_BYTES)).toString("utf8"));
    const errors = fieldOf(json, "errors");
    const code = fieldOf(Array.isArray(errors) ? errors[0] : undefined, "code");
    return typeof code === "string" && /^[A-Z_]{1,60}$/.test(code) ? code : undefined;
  } catch {
    message.destroy();
    return undefined;
  }
}

/** @returns a field of what may be an object */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
