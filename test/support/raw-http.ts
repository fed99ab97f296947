import { connect } from "node:net";

/** Sends bytes as they are and gives all that comes back until the server closes. */
export function rawRequest(port: number, text: string, options: { end?: boolean } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const parts: Buffer[] = [];
    socket.on("data", (chunk) => parts.push(chunk));
    socket.on("error", (error) => {
      if (parts.length === 0) reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(parts).toString("latin1")));
    socket.write(text, "latin1");
    if (options.end) socket.end();
  });
}
