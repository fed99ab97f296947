import { once } from "node:events";
import { createServer, type Socket } from "node:net";

/** How often a held answer shows that it is still coming. */
const DRIP_MS = 500;

/** What listens in the place of a registry that takes no writes. */
export interface ReadOnlyRegistry {
  port: number;
  /** Ends the answers that are held, and holds none any more. */
  release(): void;
  /** How many answers are held. */
  readonly held: number;
  close(): Promise<void>;
}

/**
 * Answers every request as a registry does that is read-only. A collection asks before it takes the lock and again before
 * it deletes, so that a held answer holds the collection too.
 *
 * @param options.holdAfter - answers so many requests; then answers are begun, but ended only by `release`
 */
export async function startReadOnlyRegistry(options: { holdAfter?: number } = {}): Promise<ReadOnlyRegistry> {
  let answered = 0;
  const held = new Set<() => void>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.once("data", () => {
      socket.write("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n");
      const finish = (): void => {
        socket.end('Content-Type: application/json\r\n\r\n{"errors":[{"code":"UNSUPPORTED"}]}');
      };
      if (answered++ < (options.holdAfter ?? Number.POSITIVE_INFINITY)) return finish();
      const drip = setInterval(() => socket.write("X-Wait: 1\r\n"), DRIP_MS);
      const end = (): void => {
        clearInterval(drip);
        held.delete(end);
        finish();
      };
      held.add(end);
      socket.once("close", () => {
        clearInterval(drip);
        held.delete(end);
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return {
    port: address.port,
    release: () => {
      answered = Number.NEGATIVE_INFINITY;
      for (const end of [...held]) end();
    },
    get held() {
      return held.size;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
