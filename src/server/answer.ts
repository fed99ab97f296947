import type { Readable } from "node:stream";
import type { OpenedFile } from "../storage/abilities.ts";

/** Header names as they are to be written, with one value or several lines. */
export type AnswerHeaders = Record<string, string | string[]>;

/** Bytes of a blob that are sent without being held in memory. */
export type BodySource =
  | { kind: "file"; file: OpenedFile; offset: number; lengthBytes: number }
  | { kind: "stream"; stream: Readable; lengthBytes: number };

/** What a handler wants to be sent. Whoever sends it adds the length and what every answer has. */
export interface Answer {
  status: number;
  headers: AnswerHeaders;
  /** Absent: no body. */
  body?: Uint8Array | BodySource;
  /** Content-Length of an answer to HEAD, which has no body to measure. */
  lengthBytes?: number;
}

/** @returns an answer without a body */
export function emptyAnswer(status: number, headers: AnswerHeaders = {}): Answer {
  return { status, headers };
}

/** @returns an answer with a JSON document, ended by a newline as the Go registry does */
export function jsonAnswer(value: unknown, headers: AnswerHeaders = {}): Answer {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  return { status: 200, headers: { "Content-Type": "application/json", ...headers }, body };
}
