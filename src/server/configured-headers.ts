import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Logger } from "../lib/logger.ts";
import { messageOf } from "../lib/message-of.ts";
import type { AnswerHeaders } from "./answer.ts";

/** They say where an answer ends and what becomes of the connection, which only the server knows. */
const FRAMING: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads `http.headers`, which go with every answer. As in the Go registry a header that cannot be sent does not stop
 * the server: a line break in a value becomes a space, and what else is wrong is left out, with a warning. Names are
 * written in the usual form, so that our own headers take the place of configured ones.
 */
export function configuredHeaders(
  configured: Readonly<Record<string, readonly string[]>>,
  logger: Logger,
): AnswerHeaders {
  const headers: AnswerHeaders = {};
  for (const [name, values] of Object.entries(configured)) {
    const sendable = values.map((value) => value.replace(/[\r\n]/g, " ").trim());
    const problem = problemOf(name, sendable);
    if (problem === undefined) headers[usualForm(name)] = sendable;
    else logger.warn("a header of http.headers is not sent", { header: name, reason: problem });
  }
  return headers;
}

function problemOf(name: string, values: readonly string[]): string | undefined {
  if (FRAMING.has(name.toLowerCase())) return "the server sets it by itself";
  try {
    validateHeaderName(name);
    for (const value of values) validateHeaderValue(name, value);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function usualForm(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
