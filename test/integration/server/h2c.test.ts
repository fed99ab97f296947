import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { http2Client, pushBlobOverHttp2 } from "../../support/http2-client.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { pushBlob } from "../../support/push-image.ts";
import { rawRequest } from "../../support/raw-http.ts";

let server: InProcessServer;

beforeAll(async () => {
  server = await startInProcessServer({ http: { h2c: true } });
});
afterAll(() => server.close());

/** Sends a text in pieces, and gives what comes back. */
function inPieces(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let text = "";
    socket.on("data", (part) => {
      text += part.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece, "latin1");
        await new Promise((goOn) => setTimeout(goOn, 10));
      }
    })();
  });
}

describe("both versions on one port without TLS", () => {
  it("serve clients that know beforehand what they speak", async () => {
    const client = await http2Client(server.url);
    onTestFinished(() => client.close());
    const bytes = Buffer.alloc(2_000_000, "h2c");
    const digest = await pushBlobOverHttp2(client, "both", bytes);
    const start = await client.send("POST", "/v2/both/blobs/uploads/");
    expect(start.headers.location).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${server.port}/`));
    const got = await fetch(`${server.url}/v2/both/blobs/${digest}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it("keep large bodies of HTTP/1 as they are", async () => {
    const pushed = await pushBlob(server.url, "one", Buffer.alloc(20_000_003, "HTTP/1.1 "));
    const got = await fetch(`${server.url}/v2/one/blobs/${pushed.digest}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(pushed.bytes)).toBe(true);
  });

  it("keep the order of pipelined requests", async () => {
    const ask = (path: string, last = false): string =>
      `GET ${path} HTTP/1.1\r\nHost: r.example\r\n${last ? "Connection: close\r\n" : ""}\r\n`;
    const text = await rawRequest(server.port, ask("/v2/") + ask("/v2/none/tags/list") + ask("/", true));
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      "200",
      "404",
      "200",
    ]);
  });

  it.each([
    ["PUT", 404],
    ["PATCH", 404],
    ["POST", 404],
    ["PROPFIND", 404],
    ["P", 400],
  ])("do not take %s for HTTP/2, wherever it is cut", async (method, status) => {
    const text = `${method} /v1/ HTTP/1.1\r\nHost: r.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    const answer = await inPieces(server.port, [...text.slice(0, 6), text.slice(6)]);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it("know HTTP/2 wherever its first bytes are cut", async () => {
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const socket = connect({ port: server.port, host: "127.0.0.1", noDelay: true });
    for (const byte of preface) {
      socket.write(byte);
      await new Promise((goOn) => setTimeout(goOn, 2));
    }
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    const [first] = await once(socket, "data");
    // A frame of settings.
    expect([...first.subarray(3, 9)]).toEqual([4, 0, 0, 0, 0, 0]);
    socket.destroy();
  });

  it("end a connection that only begins like HTTP/2", async () => {
    expect(await inPieces(server.port, ["PRI /v2/ HTTP/1.1\r\nHost: r\r\n\r\n"])).not.toMatch(
      /HTTP\/1\.1 200/,
    );
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });

  it("answer a wish for an upgrade by HTTP/1.1, as it is allowed to be left", async () => {
    const answer = await rawRequest(
      server.port,
      "GET /v2/ HTTP/1.1\r\nHost: r\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).not.toMatch(/upgrade/i);
  });
});

describe("connections that say nothing", () => {
  it("are closed in time", async () => {
    const own = await startInProcessServer({ http: { h2c: true }, limits: { headersTimeoutMs: 100 } });
    onTestFinished(() => own.close());
    for (const text of ["", "PR"]) expect(await inPieces(own.port, [text])).toBe("");
  });

  it("are closed when the client closes its side, or breaks off", async () => {
    for (const end of ["end", "resetAndDestroy"] as const) {
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      const connections = (): Promise<number> =>
        new Promise((resolve) => server.control.server.getConnections((_, count) => resolve(count)));
      const before = await connections();
      socket[end]();
      await expect.poll(connections).toBeLessThan(Math.max(before, 1));
    }
  });

  it("do not keep a server from ending", async () => {
    const own = await startInProcessServer({ http: { h2c: true } });
    onTestFinished(() => own.close());
    const socket = connect(own.port, "127.0.0.1");
    await once(socket, "connect");
    await expect
      .poll(() => new Promise((resolve) => own.control.server.getConnections((_, count) => resolve(count))))
      .toBe(1);
    expect(await own.control.drain(0)).toBe(0);
    if (!socket.closed) await once(socket, "close");
  });
});
