import { request } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** An answer to a push. */
export interface SentAnswer {
  status: number;
  location: string | undefined;
}

/**
 * Sends a body of known length, on a connection of its own.
 *
 * @throws {Error} if the connection breaks, or the answer is not the expected one
 */
export async function sendBody(
  method: "POST" | "PATCH" | "PUT",
  url: URL,
  body: Readable,
  sizeBytes: number,
  expected: number,
): Promise<SentAnswer> {
  const headers = { "content-length": sizeBytes, "content-type": "application/octet-stream" };
  const outgoing = request(url, { method, headers, agent: false });
  const answered = new Promise<SentAnswer & { text: string }>((resolve, reject) => {
    outgoing.on("error", reject);
    outgoing.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, text }),
      );
    });
  });
  // A server that refuses may answer, and close, before it has read all: then its answer counts.
  const sent = pipeline(body, outgoing).catch((error: unknown) => ({ error }));
  const answer = await answered;
  await sent;
  if (answer.status !== expected)
    throw new Error(`${method} ${url.pathname} was answered ${answer.status}: ${answer.text}`);
  return { status: answer.status, location: answer.location };
}
