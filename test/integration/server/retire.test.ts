import { once } from "node:events";
import { Agent, get, type IncomingMessage, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { serverOfTest } from "../../support/server-of-test.ts";

const NEVER = new AbortController().signal;
const LONG_MS = 20_000;

describe("a server whose place others have taken", () => {
  it("gives a connection that waits one more answer, which tells of its end", async () => {
    const server = await serverOfTest();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await ask(server.port, agent)).headers.connection).toBe("keep-alive");
    const retired = server.control.retire(LONG_MS, NEVER);
    const last = await ask(server.port, agent);
    expect(last.statusCode).toBe(200);
    expect(last.headers.connection).toBe("close");
    await retired;
  });

  it("answers on a connection on which nothing has been said yet", async () => {
    const server = await serverOfTest();
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    // So that it has been accepted, too.
    await ask(server.port, new Agent());
    const retired = server.control.retire(LONG_MS, NEVER);
    socket.write("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).toContain("Connection: close\r\n");
    await retired;
  });

  it("takes no new connections", async () => {
    const server = await serverOfTest();
    await server.control.retire(LONG_MS, NEVER);
    await expect(ask(server.port, new Agent())).rejects.toThrow("ECONNREFUSED");
  });

  it("does not wait for ever for connections on which nothing more is said", async () => {
    const server = await serverOfTest();
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    await ask(server.port, new Agent());
    await server.control.retire(100, NEVER);
    expect(await server.control.drain(1000)).toBe(0);
    await once(socket, "close");
  });

  it("stops waiting when it is told to", async () => {
    const server = await serverOfTest();
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    await ask(server.port, new Agent());
    const hurry = new AbortController();
    const retired = server.control.retire(LONG_MS, hurry.signal);
    hurry.abort();
    await retired;
    socket.destroy();
  });

  it("answers streams of HTTP/2 that are opened before its client knows", async () => {
    const server = await serverOfTest({ http: { h2c: true } });
    const client = connectHttp2(server.url);
    await once(client, "connect");
    const first = client.request({ ":path": "/v2/" });
    first.resume();
    await once(first, "end");
    const goneAway = once(client, "goaway");
    const retired = server.control.retire(LONG_MS, NEVER);
    const late = client.request({ ":path": "/v2/" });
    const [headers] = await once(late, "response");
    expect(headers[":status"]).toBe(200);
    late.resume();
    await goneAway;
    client.close();
    await retired;
  });
});

describe("a server that becomes read-only", () => {
  it("says so when no write is under way any more", async () => {
    const server = await serverOfTest();
    const upload = await beginUpload(server.url);
    let isSettled = false;
    const settled = server.control.setReadOnly(true, LONG_MS).then((cut) => {
      isSettled = true;
      return cut;
    });
    expect((await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: "POST" })).status).toBe(405);
    expect(server.control.load()).toEqual({ requestsInFlight: 1, uploadsInFlight: 1 });
    expect(isSettled).toBe(false);
    upload.end("6789");
    expect(await upload.status).toBe(202);
    expect(await settled).toBe(0);
  });

  it("cuts off writes that take too long, and says how many", async () => {
    const server = await serverOfTest();
    const upload = await beginUpload(server.url);
    expect(await server.control.setReadOnly(true, 50)).toBe(1);
    await expect(upload.status).rejects.toThrow();
    await expect.poll(() => server.control.load().requestsInFlight).toBe(0);
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });

  it("waits no longer, and cuts off nothing, when it takes writes again", async () => {
    const server = await serverOfTest();
    const upload = await beginUpload(server.url);
    const settled = server.control.setReadOnly(true, LONG_MS);
    await server.control.setReadOnly(false);
    expect(await settled).toBe(0);
    upload.end("6789");
    expect(await upload.status).toBe(202);
  });

  it("cuts off nothing that reads, and does not wait for it", async () => {
    const server = await serverOfTest();
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write("GET /v2/ HTTP/1.1\r\n");
    expect(await server.control.setReadOnly(true, 0)).toBe(0);
    socket.end("Host: a\r\n\r\n");
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

function ask(port: number, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/v2/", agent }, (response) => {
      response.resume();
      // When the connection is free for the next one.
      response.once("end", () => setImmediate(() => resolve(response)));
    }).once("error", reject);
  });
}

/** An upload of which the server has taken a part. */
async function beginUpload(url: string): Promise<{ end: (rest: string) => void; status: Promise<number> }> {
  const begun = await fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST" });
  const patch = request(new URL(begun.headers.get("location") ?? "", url), {
    method: "PATCH",
    headers: { "content-length": "9", expect: "100-continue" },
  });
  const status = new Promise<number>((resolve, reject) => {
    patch.once("error", reject);
    patch.once("response", (response: IncomingMessage) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
  status.catch(() => undefined);
  patch.flushHeaders();
  await once(patch, "continue");
  patch.write("12345");
  return { end: (rest) => void patch.end(rest), status };
}
