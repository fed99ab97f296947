import { createCipheriv, createHash } from "node:crypto";
import { request } from "node:http";

const BLOCK_BYTES = 1 << 20;

/**
 * Bytes that cannot be compressed and are the same each time, made as fast as AES goes: the key stream of AES-CTR.
 *
 * @param sizeBytes - a multiple of nothing in particular; the last block may be short
 */
export function* generateBlob(sizeBytes: number, seed = 0): Generator<Buffer> {
  const key = createHash("sha256").update(`seed ${seed}`).digest();
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(BLOCK_BYTES);
  for (let offset = 0; offset < sizeBytes; offset += BLOCK_BYTES)
    yield cipher.update(zeros.subarray(0, Math.min(BLOCK_BYTES, sizeBytes - offset)));
}

/** The digest of what `generateBlob` gives. */
export function digestGeneratedBlob(sizeBytes: number, seed = 0): string {
  const hash = createHash("sha256");
  for (const block of generateBlob(sizeBytes, seed)) hash.update(block);
  return `sha256:${hash.digest("hex")}`;
}

/** Sends a generated blob as the body of one request. @returns the answer's status and Location */
export async function sendGeneratedBlob(
  method: "PATCH" | "PUT",
  url: URL,
  sizeBytes: number,
  seed = 0,
): Promise<{ status: number; location: string | undefined; body: string }> {
  const headers = { "content-length": sizeBytes, "content-type": "application/octet-stream" };
  // A connection of its own: one on which a body was broken off cannot be used again.
  const outgoing = request(url, { method, headers, agent: false });
  const answered = new Promise<{ status: number; location: string | undefined; body: string }>(
    (resolve, reject) => {
      outgoing.on("error", reject);
      outgoing.on("response", (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        answer.on("error", reject);
        answer.on("end", () => {
          resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, body });
        });
      });
    },
  );
  // A server that refuses may answer, and close, before it has read all.
  let stopped = false;
  const stop = answered.then(
    () => undefined,
    () => undefined,
  );
  void stop.then(() => {
    stopped = true;
  });
  for (const block of generateBlob(sizeBytes, seed)) {
    if (stopped) break;
    if (!outgoing.write(block))
      await Promise.race([new Promise((resolve) => outgoing.once("drain", resolve)), stop]);
  }
  if (!stopped) outgoing.end();
  return answered.finally(() => outgoing.destroy());
}

/** Pulls a blob and hashes it on the way, without keeping it. */
export async function digestPulledBlob(
  url: URL,
): Promise<{ status: number; digest: string; sizeBytes: number }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, (answer) => {
      const hash = createHash("sha256");
      let sizeBytes = 0;
      answer.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        sizeBytes += chunk.length;
      });
      answer.on("error", reject);
      answer.on("end", () => {
        resolve({ status: answer.statusCode ?? 0, digest: `sha256:${hash.digest("hex")}`, sizeBytes });
      });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
