import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A proxy on loopback that runs until it is closed. */
export interface LatencyProxy {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/**
 * Passes everything on to a server, what clients send so much later. As a client waits for each answer before it sends
 * the next request on a connection, that is so much more for each request.
 *
 * @param target - URL of a server without TLS
 */
export async function startLatencyProxy(target: string, latencyMs: number): Promise<LatencyProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.setNoDelay(true);
    return socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = track(connect({ host: hostname, port: Number(port), allowHalfOpen: true }));
    // Timers of one length end in the order in which they were set, so nothing overtakes.
    track(client).on("data", (chunk) => setTimeout(() => upstream.write(chunk), latencyMs));
    client.on("end", () => setTimeout(() => upstream.end(), latencyMs));
    client.on("close", () => setTimeout(() => upstream.destroy(), latencyMs));
    upstream.pipe(client);
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
