import { connect as connectSocket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isRepositoryName } from "../../../src/oci/reference.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { type Http2Client, http2Client, type SendOptions } from "../../support/http2-client.ts";
import { FLAG, FRAME, frame, headerBlock } from "../../support/http2-frames.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { type Pushed, pushImage } from "../../support/push-image.ts";
import { everythingIn, StubAccess } from "../../support/stub-access.ts";

/*
 * What HTTP/2 lets a client write that HTTP/1 does not. Mallory may do everything in `mine`, Alice in `theirs`.
 */
const access = new StubAccess({ mallory: everythingIn("mine"), alice: everythingIn("theirs") });
const MALLORY = { authorization: "Test mallory" };
const ALICE = { authorization: "Test alice" };

const driver = new MemoryDriver();
let server: InProcessServer;
let client: Http2Client;
let theirs: Pushed & { layer: Pushed };

beforeAll(async () => {
  const open = await startInProcessServer({ driver });
  theirs = await pushImage(open.url, "theirs", "Alice's", "v1");
  await open.close();
  server = await startInProcessServer({ access, driver, http: { h2c: true } });
  client = await http2Client(server.url);
});
afterAll(async () => {
  await client.close();
  await server.close();
});
beforeEach(() => {
  access.asked.length = 0;
});

describe("the path of a request over HTTP/2", () => {
  it.each([
    "/v2/mine/../theirs/manifests/v1",
    "/v2/mine%2f..%2ftheirs/manifests/v1",
    "/v2/theirs%00/manifests/v1",
    "/v2/theirs\t/manifests/v1",
    "/v2/mine/manifests/v1 /v2/theirs",
    "v2/theirs/manifests/v1",
    "//v2/theirs/manifests/v1",
    "http://mine/v2/theirs/manifests/v1",
    "/v2/theirs/manifests/v1#mine",
    "/v2/theirs/manifests/v1",
    "*",
  ])("shows nothing of another repository: %s", async (path) => {
    for (const method of ["GET", "HEAD", "get", "GET "]) {
      const answer = await client.send(method, path, { headers: MALLORY });
      expect([undefined, 400, 401, 404, 405]).toContain(answer.status);
      expect(answer.headers["docker-content-digest"]).toBeUndefined();
      expect(answer.body.toString()).not.toContain("schemaVersion");
    }
    for (const name of access.names) expect(isRepositoryName(name), name).toBe(true);
  });

  it("puts no lines into headers", async () => {
    for (const path of [
      "/v2/a%0d%0aset-cookie:x/manifests/v1",
      "/v2/mine/blobs/uploads/?mount=m&from=%0d%0aset-cookie:x",
    ]) {
      const answer = await client.send("POST", path);
      expect([400, 401]).toContain(answer.status);
      expect(answer.headers["set-cookie"]).toBeUndefined();
    }
  });
});

describe("the authority of a request over HTTP/2", () => {
  const start = (headers: SendOptions["headers"] = {}) =>
    client.send("POST", "/v2/mine/blobs/uploads/", { headers: { ...MALLORY, ...headers } });

  it("counts, not a Host beside it", async () => {
    const answer = await start({ ":authority": "r.example", host: "evil.example" });
    expect(answer.headers.location).toMatch(/^http:\/\/r\.example\/v2\/mine\/blobs\/uploads\//);
  });

  it.each(["evil.example/x", "user:hunter2@r.example", "a b", 'a"b', "a?b", ""])(
    "goes into no address if it is more than a host: %s",
    async (authority) => {
      const answer = await start({ ":authority": authority });
      if (answer.status === undefined || answer.status === 400) return;
      expect(answer.headers.location).toMatch(/^(?:http:\/\/127\.0\.0\.1:\d+)?\/v2\/mine\/blobs\/uploads\//);
    },
  );
});

describe("requests on one connection of HTTP/2", () => {
  it("have each their own rights, whoever asked before and asks at the same time", async () => {
    const ask = (headers: SendOptions["headers"], name: string) =>
      client.send("GET", `/v2/${name}/manifests/v1`, { headers: headers ?? {} });
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all([
        ask(ALICE, "theirs"),
        ask({}, "theirs"),
        ask(MALLORY, "theirs"),
        ask(MALLORY, "mine"),
        ask(ALICE, "mine"),
        ask(ALICE, "theirs"),
      ]);
      expect(answers.map((answer) => answer.status)).toEqual([200, 401, 401, 404, 401, 200]);
    }
  });

  it("with a body of another length than they say store nothing", async () => {
    const start = await client.send("POST", "/v2/mine/blobs/uploads/", { headers: MALLORY });
    const { pathname, search } = new URL(start.headers.location ?? "");
    for (const length of ["3", "100"]) {
      const headers = { ...MALLORY, "content-length": length };
      const answer = await client.send("PUT", `${pathname}${search}&digest=${theirs.digest}`, {
        headers,
        body: "0123456789",
      });
      expect(answer.status).not.toBe(201);
    }
    expect(await server.registry.repository("mine").blobs.sizeBytes(theirs.digest)).toBeUndefined();
  });

  it("cannot send headers of HTTP/1 that say where a message ends", async () => {
    // Node's own client refuses to send them, so they are written as frames.
    for (const [name, value] of [
      ["transfer-encoding", "chunked"],
      ["connection", "upgrade"],
      ["upgrade", "h2c"],
      ["te", "chunked"],
    ] as const) {
      const text = await rawHeaders([...GET_THEIRS, ["authorization", "Test alice"], [name, value]]);
      expect(text, name).not.toContain("schemaVersion");
    }
  });

  it("are let in by no header that is only like the right one", async () => {
    for (const name of [
      "Authorization",
      "authorization ",
      " authorization",
      "x\r\nauthorization",
      ":authorization",
    ]) {
      expect(await rawHeaders([...GET_THEIRS, [name, "Test alice"]]), name).not.toContain("schemaVersion");
    }
    expect(await rawHeaders([...GET_THEIRS, ["authorization", "Test alice"]])).toContain("schemaVersion");
  });

  it("take the first of two Authorization headers", async () => {
    const ask = (first: string, second: string) =>
      rawHeaders([...GET_THEIRS, ["authorization", first], ["authorization", second]]);
    expect(await ask("Test alice", "Test mallory")).toContain("schemaVersion");
    expect(await ask("Test mallory", "Test alice")).not.toContain("schemaVersion");
  });
});

const GET_THEIRS: readonly (readonly [string, string])[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/v2/theirs/manifests/v1"],
  [":authority", "r.example"],
];

/** Sends one request whose headers are written as they are, and gives all that comes back. */
function rawHeaders(headers: readonly (readonly [string, string])[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectSocket(server.port, "127.0.0.1");
    const parts: Buffer[] = [];
    socket.on("data", (part) => parts.push(part));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Buffer.concat(parts).toString("latin1")));
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.write(frame(FRAME.settings, 0, 0));
    socket.write(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, headerBlock(headers)));
    socket.write(frame(FRAME.goaway, 0, 0, Buffer.alloc(8)));
    socket.end();
  });
}
