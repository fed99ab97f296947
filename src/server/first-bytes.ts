import type { Socket } from "node:net";

/** The beginning of what a client of HTTP/2 sends first. No method of HTTP/1 begins with it. */
const PREFACE = Buffer.from("PRI");

/**
 * Finds out which version of HTTP a client speaks on a connection without TLS, where nothing but its first bytes tells.
 * They are put back. A client that sends none in time, or goes, is disconnected.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-3.3
 */
export function whenVersionKnown(
  socket: Socket,
  timeoutMs: number,
  listener: (version: "http1" | "http2") => void,
): void {
  const seen: Buffer[] = [];
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const onGone = (): void => {
    socket.destroy();
  };
  const onReadable = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    seen.push(chunk);
    const bytes = Buffer.concat(seen);
    const length = Math.min(bytes.length, PREFACE.length);
    const canBeHttp2 = bytes.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (canBeHttp2 && length < PREFACE.length) return;
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("end", onGone);
    socket.off("error", onGone);
    socket.unshift(bytes);
    listener(canBeHttp2 ? "http2" : "http1");
  };
  socket.on("readable", onReadable);
  socket.on("end", onGone);
  socket.on("error", onGone);
  socket.once("close", () => clearTimeout(timer));
}
