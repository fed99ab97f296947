import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Refusal } from "./reply.ts";
import type { ServedRequest } from "./request.ts";

/**
 * Takes a body out of the frames of `aws-chunked`, if it is in such, and holds it against the checksums that came along.
 * Signatures of single frames are not looked at.
 *
 * @throws {Refusal} `IncompleteBody`, `BadDigest`
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function decodeBody(request: ServedRequest, rawBody: Buffer): Buffer {
  const isFramed = (request.headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-");
  const { body, trailers } = isFramed ? unframe(rawBody) : { body: rawBody, trailers: {} };
  const announced = request.headers["x-amz-decoded-content-length"];
  if (announced !== undefined && Number(announced) !== body.length)
    throw new Refusal(400, "IncompleteBody", "The body is shorter than announced.");
  checkDigests({ ...request.headers, ...trailers }, body);
  return body;
}

function unframe(raw: Buffer): { body: Buffer; trailers: Record<string, string> } {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.toString("latin1", at, Math.max(lineEnd, at)), 16);
    if (lineEnd < 0 || Number.isNaN(size)) throw new Refusal(400, "IncompleteBody", "A frame is cut off.");
    at = lineEnd + 2;
    if (size === 0) break;
    pieces.push(raw.subarray(at, at + size));
    at += size + 2;
  }
  const lines = raw.toString("latin1", at).split("\r\n");
  const trailers = lines.flatMap((line) => {
    const colon = line.indexOf(":");
    return colon < 0 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]];
  });
  return { body: Buffer.concat(pieces), trailers: Object.fromEntries(trailers) };
}

function checkDigests(headers: Readonly<Record<string, string>>, body: Buffer): void {
  const sums: Record<string, () => string> = {
    "content-md5": () => createHash("md5").update(body).digest("base64"),
    "x-amz-checksum-sha256": () => createHash("sha256").update(body).digest("base64"),
    "x-amz-checksum-sha1": () => createHash("sha1").update(body).digest("base64"),
    "x-amz-checksum-crc32": () => {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(body));
      return sum.toString("base64");
    },
  };
  for (const [name, compute] of Object.entries(sums)) {
    const announced = headers[name];
    if (announced !== undefined && announced !== compute())
      throw new Refusal(400, "BadDigest", `The ${name} you specified did not match what we received.`);
  }
}
