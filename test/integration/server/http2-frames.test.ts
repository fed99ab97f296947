import { afterEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { FLAG, FRAME, frame, RawHttp2, requestBlock } from "../../support/http2-frames.ts";
import {
  type InProcessOptions,
  type InProcessServer,
  startInProcessServer,
} from "../../support/in-process-server.ts";

let server: InProcessServer;
const clients: RawHttp2[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await server.close();
});

async function serve(
  limits: NonNullable<InProcessOptions["limits"]> = {},
  access?: NonNullable<InProcessOptions["access"]>,
): Promise<void> {
  server = await startInProcessServer({ http: { h2c: true }, limits, ...(access ? { access } : {}) });
}

function client(): RawHttp2 {
  const made = new RawHttp2(server.port);
  clients.push(made);
  return made;
}

/** Sends a whole GET. Streams of clients have odd numbers. */
function get(raw: RawHttp2, stream: number, path: string, more: Record<string, string> = {}): void {
  raw.send(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, requestBlock("GET", path, more));
}

/** The server is as it was for everybody else. */
async function expectServed(): Promise<void> {
  expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  const raw = client();
  get(raw, 1, "/v2/");
  await expect.poll(() => raw.framesOf(FRAME.headers).length).toBe(1);
}

const SOON = { timeout: 60_000 };

describe("a body that breaks off", () => {
  it.each([
    ["its stream is reset", (raw: RawHttp2) => raw.send(FRAME.rstStream, 0, 1, Buffer.from([0, 0, 0, 8]))],
    [
      "its stream is reset without an error",
      (raw: RawHttp2) => raw.send(FRAME.rstStream, 0, 1, Buffer.alloc(4)),
    ],
    ["the client leaves", (raw: RawHttp2) => raw.socket.end()],
    ["the connection breaks", (raw: RawHttp2) => raw.socket.resetAndDestroy()],
  ])("because %s is stored neither as a manifest nor as a blob", async (_, breakOff) => {
    await serve();
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, manifests: [] }));
    const digest = digestOf(bytes);
    for (const [method, path] of [
      ["PUT", "/v2/a/manifests/v1"],
      ["POST", `/v2/a/blobs/uploads/?digest=${digest}`],
    ] as const) {
      const raw = client();
      const block = requestBlock(method, path, { "content-type": OCI_MANIFEST });
      raw.send(FRAME.headers, FLAG.endHeaders, 1, block);
      raw.send(FRAME.data, 0, 1, bytes);
      await expect.poll(() => server.control.requestsInFlight()).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      breakOff(raw);
      await expect.poll(() => server.control.requestsInFlight()).toBe(0);
    }
    expect((await fetch(`${server.url}/v2/a/manifests/v1`)).status).toBe(404);
    expect((await fetch(`${server.url}/v2/a/blobs/${digest}`)).status).toBe(404);
    expect(server.accessLines.filter((line) => /HTTP\/2\.0" 499 /.test(line))).toHaveLength(2);
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("requests that are taken back", () => {
  it.each(["GET", "HEAD", "PUT"])(
    "leave nothing behind while they wait for something: %s",
    async (method) => {
      let decide: (identity: { user: string }) => void = () => undefined;
      const decided = new Promise<{ user: string }>((resolve) => {
        decide = resolve;
      });
      await serve({}, { authorize: () => decided });
      const raw = client();
      for (let stream = 1; stream < 100; stream += 2)
        raw.send(FRAME.headers, FLAG.endHeaders, stream, requestBlock(method, "/v2/a/manifests/x"));
      await expect.poll(() => server.control.requestsInFlight()).toBe(50);
      for (let stream = 1; stream < 100; stream += 2)
        raw.send(FRAME.rstStream, 0, stream, Buffer.from([0, 0, 0, 8]));
      await expect.poll(() => server.accessLines.filter((line) => / 499 /.test(line)).length).toBe(50);
      // More than are allowed at a time may not be held by taking them back.
      for (let stream = 101; stream < 601; stream += 2) {
        raw.send(FRAME.headers, FLAG.endHeaders, stream, requestBlock(method, "/v2/a/manifests/x"));
        await new Promise((resolve) => setImmediate(resolve));
        raw.send(FRAME.rstStream, 0, stream, Buffer.from([0, 0, 0, 8]));
      }
      await expect.poll(() => server.control.requestsInFlight()).toBeGreaterThan(50);
      expect(server.control.requestsInFlight()).toBeLessThanOrEqual(200);
      decide({ user: "" });
      await expect.poll(() => server.control.requestsInFlight()).toBe(0);
    },
  );

  it("before they are looked at cost nothing", async () => {
    await serve();
    const raw = client();
    const block = requestBlock("GET", "/v2/_catalog");
    const both = (stream: number): Buffer =>
      Buffer.concat([
        frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, block),
        frame(FRAME.rstStream, 0, stream, Buffer.from([0, 0, 0, 8])),
      ]);
    raw.socket.write(Buffer.concat(Array.from({ length: 50 }, (_, turn) => both(2 * turn + 1))));
    await expectServed();
    expect(server.accessLines).toHaveLength(2);
  });
});

describe("floods", () => {
  it("of streams that are reset at once end the connection, not the server", async () => {
    await serve();
    const raw = client();
    for (let turn = 0; turn < 4_000 && !raw.closed; turn++) {
      const stream = 2 * turn + 1;
      const block = requestBlock("GET", "/v2/_catalog");
      raw.socket.write(
        Buffer.concat([
          frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, block),
          frame(FRAME.rstStream, 0, stream, Buffer.from([0, 0, 0, 8])),
        ]),
      );
    }
    await expect.poll(() => raw.closed || raw.framesOf(FRAME.goaway).length > 0, SOON).toBe(true);
    await expect.poll(() => server.control.requestsInFlight(), SOON).toBe(0);
    expect(server.accessLines.length).toBeLessThan(4_000);
    await expectServed();
  });

  it.each([
    ["settings", frame(FRAME.settings, 0, 0)],
    ["pings", frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
  ])("of %s whose answers are not read end the connection", async (_, one) => {
    await serve();
    const raw = client();
    raw.socket.pause();
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => one));
    for (let turn = 0; turn < 1_000 && !raw.closed && raw.socket.writable; turn++) {
      if (!raw.socket.write(many)) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await expect.poll(() => raw.closed, SOON).toBe(true);
    await expectServed();
  });

  it("of empty frames of a body keep nobody else from being served", async () => {
    await serve();
    const raw = client();
    raw.send(FRAME.headers, FLAG.endHeaders, 1, requestBlock("PUT", "/v2/a/manifests/x"));
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => frame(FRAME.data, 0, 1)));
    for (let turn = 0; turn < 20 && !raw.closed; turn++) raw.socket.write(many);
    await expectServed();
  });

  it("of continued headers end the connection", async () => {
    await serve();
    const raw = client();
    raw.send(FRAME.headers, 0, 1, requestBlock("GET", "/v2/"));
    for (let turn = 0; turn < 10_000 && !raw.closed; turn++)
      raw.send(FRAME.continuation, 0, 1, Buffer.from([0x00, 1, 0x61, 1, 0x62]));
    await expect.poll(() => raw.closed || raw.framesOf(FRAME.goaway).length > 0, SOON).toBe(true);
    await expectServed();
  });

  it("of streams beyond what is allowed are refused, stream by stream", async () => {
    await serve({ http2Streams: 5 });
    const raw = client();
    await expect.poll(() => raw.framesOf(FRAME.settings).length).toBeGreaterThan(1);
    for (let stream = 1; stream < 20; stream += 2)
      raw.send(FRAME.headers, FLAG.endHeaders, stream, requestBlock("PUT", "/v2/a/manifests/x"));
    await expect.poll(() => raw.framesOf(FRAME.rstStream).length).toBe(5);
    expect(server.control.requestsInFlight()).toBe(5);
    await expectServed();
  });
});

describe("headers", () => {
  it("that are too large are refused with their stream", async () => {
    await serve();
    const raw = client();
    const large = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`x-${index}`, "v".repeat(100)]),
    );
    const block = requestBlock("GET", "/v2/", large);
    raw.send(FRAME.headers, 0, 1, block.subarray(0, 16_000));
    for (let at = 16_000; at < block.length; at += 16_000) {
      const flags = at + 16_000 >= block.length ? FLAG.endHeaders : 0;
      raw.send(FRAME.continuation, flags, 1, block.subarray(at, at + 16_000));
    }
    await expect
      .poll(() => raw.closed || raw.framesOf(FRAME.rstStream).length + raw.framesOf(FRAME.goaway).length > 0)
      .toBe(true);
    expect(server.accessLines).toEqual([]);
    await expectServed();
  });

  it.each([
    ["Connection", { connection: "close" }],
    ["Transfer-Encoding", { "transfer-encoding": "chunked" }],
    ["a name in upper case", { "X-Upper": "1" }],
  ])("that HTTP/2 forbids are refused with their stream: %s", async (_, more) => {
    await serve();
    const raw = client();
    get(raw, 1, "/v2/", more);
    await expect.poll(() => raw.closed || raw.framesOf(FRAME.rstStream).length > 0).toBe(true);
    expect(server.accessLines).toEqual([]);
    await expectServed();
  });
});

describe("a line break in a header's value", () => {
  it("takes the header away", async () => {
    await serve();
    const raw = client();
    get(raw, 1, "/v2/", { "user-agent": "a\r\nx: b" });
    await expect.poll(() => server.accessLines.length).toBe(1);
    expect(server.accessLines[0]).toMatch(/ 200 2 "" ""$/);
  });
});

describe("connections", () => {
  it("are closed when they are idle, with a word of goodbye", async () => {
    await serve({ keepAliveTimeoutMs: 150, headersTimeoutMs: 150, lingerMs: 100 });
    const [silent, spoken] = [client(), client()];
    get(spoken, 1, "/v2/");
    await expect.poll(() => silent.closed && spoken.closed).toBe(true);
    for (const each of [silent, spoken]) expect(each.framesOf(FRAME.goaway)).not.toEqual([]);
    expect(spoken.framesOf(FRAME.headers)).toHaveLength(1);
  });

  it("are not idle while a request is under way", async () => {
    await serve({ keepAliveTimeoutMs: 100, headersTimeoutMs: 100 });
    const raw = client();
    raw.send(FRAME.headers, FLAG.endHeaders, 1, requestBlock("PUT", "/v2/a/manifests/x"));
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(raw.closed).toBe(false);
    expect(server.control.requestsInFlight()).toBe(1);
  });
});
