import { createServer, request as forward } from "node:http";
import { connect } from "node:net";
import { onTestFinished } from "vitest";

/** A proxy of a test. */
export interface HttpProxy {
  url: string;
  /** What it was asked for: `CONNECT host:port`, or a method and a whole URL. */
  asked: string[];
}

/** Options of {@link httpProxyOfTest}. */
export interface HttpProxyOptions {
  /** Everything is sent to this port of this host, whatever it was asked for. */
  port: number;
  /** Everything is refused. */
  refuses?: boolean;
}

/** Starts a proxy that ends with the test. */
export async function httpProxyOfTest({ port, refuses = false }: HttpProxyOptions): Promise<HttpProxy> {
  const asked: string[] = [];
  const server = createServer((incoming, answer) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { pathname, search } = new URL(incoming.url ?? "");
    const path = pathname + search;
    const { method, headers } = incoming;
    const onward = forward({ host: "127.0.0.1", port, path, method, headers }, (theirs) => {
      answer.writeHead(theirs.statusCode ?? 502, theirs.headers);
      theirs.pipe(answer);
    });
    incoming.pipe(onward);
  });
  server.on("connect", (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    if (refuses) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) {
      end.on("error", () => {
        onward.destroy();
        socket.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", () => resolve()));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return { url: `http://127.0.0.1:${address.port}`, asked };
}
