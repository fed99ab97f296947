import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { RegistryHttp, sha256 } from "../support/registry-http.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const CONNECTIONS = 2000;

it("answers other clients while 2,000 connections idle or trickle", { timeout: 120_000 }, async () => {
  const server = await startServe({ rootDirectory: join(await temporaryFolder(), "registry") });
  const { hostname, port } = new URL(server.url);
  const sockets: Socket[] = [];
  const client = new RegistryHttp(server.url);
  let trickling: NodeJS.Timeout | undefined;
  try {
    const location = await client.startUpload("trickle");
    for (let count = 0; count < CONNECTIONS; count++) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => undefined);
      sockets.push(socket);
      if (count % 100 === 99) await Promise.all(sockets.slice(-100).map(connected));
      // A quarter each: silent; half a header; the same, a byte now and then; a body that never comes.
      if (count % 4 === 1 || count % 4 === 2)
        socket.write("GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
      if (count % 4 === 3) {
        const path = count === 3 ? new URL(location, server.url).pathname : "/v2/trickle/blobs/uploads/";
        const method = count === 3 ? "PATCH" : "POST";
        socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx`);
      }
    }
    trickling = setInterval(() => {
      for (const socket of sockets.filter((_, index) => index % 4 === 2)) socket.write("x");
    }, 500);

    const blob = randomBytes(5_000_000);
    const began = Date.now();
    const image = await client.pushImage("quick/image", "v1", [blob]);
    for (let pull = 0; pull < 20; pull++) await client.expectComplete(image);
    const answer = await client.send("GET", `/v2/quick/image/blobs/${sha256(blob)}`);

    expect(answer.status).toBe(200);
    expect(answer.body.length).toBe(blob.length);
    // Far above what it takes on the slowest machine, far below the timeouts that would end the other connections.
    expect(Date.now() - began).toBeLessThan(20_000);
  } finally {
    clearInterval(trickling);
    client.close();
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
});

async function connected(socket: Socket): Promise<void> {
  if (socket.connecting) await once(socket, "connect");
}
