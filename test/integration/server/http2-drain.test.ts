import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { expect, it, onTestFinished } from "vitest";
import { type Http2Client, http2Client, pushBlobOverHttp2 } from "../../support/http2-client.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { serveTls } from "../../support/tls-server.ts";

async function start(protocol: "h2" | "h2c"): Promise<[InProcessServer, Http2Client]> {
  const server = protocol === "h2" ? await serveTls() : await startInProcessServer({ http: { h2c: true } });
  const client = await http2Client(server.url);
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return [server, client];
}

function goodbye(session: ClientHttp2Session): Promise<number> {
  return new Promise((resolve) => session.once("goaway", resolve));
}

for (const protocol of ["h2", "h2c"] as const) {
  it(`lets a download of ${protocol} end, takes no more requests, and says so`, async () => {
    const [server, client] = await start(protocol);
    const bytes = Buffer.alloc(16 * 1024 * 1024, "drained ");
    const digest = await pushBlobOverHttp2(client, "drain", bytes);
    const stream = client.session.request({ ":path": `/v2/drain/blobs/${digest}` });
    await once(stream, "response");
    const told = goodbye(client.session);
    const drained = server.control.drain(0);
    expect(await told).toBe(0);
    expect(() => client.session.request({ ":path": "/v2/" })).toThrow(/GOAWAY|closed/i);
    const parts: Buffer[] = [];
    stream.on("data", (part: Buffer) => parts.push(part));
    const ended = once(stream, "end");
    expect(await drained).toBe(0);
    await ended;
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    if (!client.session.destroyed) await once(client.session, "close");
  });

  it(`cuts off a download of ${protocol} that does not end in time`, async () => {
    const [server, client] = await start(protocol);
    const digest = await pushBlobOverHttp2(client, "drain", Buffer.alloc(16 * 1024 * 1024));
    const stream = client.session.request({ ":path": `/v2/drain/blobs/${digest}` });
    stream.on("error", () => undefined);
    await once(stream, "response");
    const closed = new Promise((resolve) => stream.once("close", resolve));
    expect(await server.control.drain(100)).toBe(1);
    expect(server.control.requestsInFlight()).toBe(0);
    await closed;
  });

  it(`ends at once where nobody asks for anything over ${protocol}`, async () => {
    const [server, client] = await start(protocol);
    expect((await client.send("GET", "/v2/")).status).toBe(200);
    expect(await server.control.drain(0)).toBe(0);
    if (!client.session.destroyed) await once(client.session, "close");
  });
}
