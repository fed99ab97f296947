import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { startLatencyProxy } from "../../../../bench/s3/latency-proxy.ts";

const LATENCY_MS = 40;

describe("the latency proxy", () => {
  it("passes bodies on unchanged, and each request of a kept connection so much later", async () => {
    const endpoint = await proxyOfTest();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (const size of [0, 1, 1_000_000]) {
      const body = Buffer.alloc(size, "latency");
      const began = performance.now();
      const answer = await send(endpoint, agent, body);
      // Timers may be a millisecond early.
      expect(performance.now() - began).toBeGreaterThanOrEqual(LATENCY_MS - 2);
      expect(answer.equals(body)).toBe(true);
    }
  });

  it("ends with its connections", async () => {
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const proxy = await startLatencyProxy(await echoServer(), LATENCY_MS);
    await send(proxy.endpoint, agent, Buffer.from("x"));
    await proxy.close();
    await expect(send(proxy.endpoint, new Agent(), Buffer.from("x"))).rejects.toThrow("ECONNREFUSED");
  });
});

async function proxyOfTest(): Promise<string> {
  const proxy = await startLatencyProxy(await echoServer(), LATENCY_MS);
  onTestFinished(() => proxy.close());
  return proxy.endpoint;
}

async function echoServer(): Promise<string> {
  const server = createServer((incoming, answer) => incoming.pipe(answer));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return `http://127.0.0.1:${address.port}`;
}

function send(url: string, agent: Agent, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST", agent }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve(Buffer.concat(chunks));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
