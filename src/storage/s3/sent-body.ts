import { Readable } from "node:stream";

const PIECE_BYTES = 64 * 1024;

/**
 * A body as it is given to a connection: a large one in pieces. While there are pieces to send, nobody waits for an answer; but
 * one that is given as a whole is taken for sent at once, and a part of an upload would never get through a slow network.
 */
export function sentBody(body: Uint8Array): Uint8Array | Readable {
  if (body.length <= PIECE_BYTES) return body;
  let sentBytes = 0;
  return new Readable({
    highWaterMark: PIECE_BYTES,
    read() {
      if (sentBytes >= body.length) {
        this.push(null);
        return;
      }
      const piece = body.subarray(sentBytes, sentBytes + PIECE_BYTES);
      sentBytes += piece.length;
      this.push(piece);
    },
  });
}
