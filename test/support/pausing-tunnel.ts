import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A tunnel whose clients get stuck halfway. */
export interface PausingTunnel {
  /** `127.0.0.1:port`. */
  address: string;
  /** How often a connection was held up. */
  pauses: number;
  close(): Promise<void>;
}

/**
 * Hands on TCP connections. The first of them that has sent so many bytes is held up until `until` says so, all others
 * are not.
 *
 * @param target - `127.0.0.1:port`
 */
export async function startPausingTunnel(
  target: string,
  afterBytes: number,
  until: () => Promise<void>,
): Promise<PausingTunnel> {
  const { hostname, port } = new URL(`tcp://${target}`);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.pipe(client);
    let sentBytes = 0;
    client.on("data", (chunk: Buffer) => {
      sentBytes += chunk.length;
      const isFull = !upstream.write(chunk);
      if (tunnel.pauses === 0 && sentBytes >= afterBytes) {
        tunnel.pauses++;
        client.pause();
        void until().then(() => client.resume());
      } else if (isFull) {
        client.pause();
        upstream.once("drain", () => client.resume());
      }
    });
    client.on("end", () => upstream.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("a TCP server has no port");
  const tunnel: PausingTunnel = {
    address: `127.0.0.1:${bound.port}`,
    pauses: 0,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
  return tunnel;
}
