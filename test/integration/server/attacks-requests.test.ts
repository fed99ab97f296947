import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isRepositoryName } from "../../../src/oci/reference.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { countDriver } from "../../../src/storage/wrappers/count/count-driver.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { type Pushed, pushImage } from "../../support/push-image.ts";
import { rawAsk, statusesOf } from "../../support/raw-answers.ts";
import { rawRequest } from "../../support/raw-http.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { everythingIn, StubAccess } from "../../support/stub-access.ts";

const access = new StubAccess({ mallory: everythingIn("mine"), alice: everythingIn("theirs") });
const MALLORY = "Authorization: Test mallory";
const ALICE = "Authorization: Test alice";

const driver = new MemoryDriver();
let server: InProcessServer;
let theirs: Pushed & { layer: Pushed };

beforeAll(async () => {
  const open = await startInProcessServer({ driver });
  theirs = await pushImage(open.url, "theirs", "Alice's", "v1");
  await open.close();
  server = await startInProcessServer({ access, driver });
});
afterAll(() => server.close());
beforeEach(() => {
  access.asked.length = 0;
});

function lines(...parts: string[]): string {
  return parts.map((part) => `${part}\r\n`).join("");
}

/** Resolves when a connection is closed, also where what was still to be sent finds nobody. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
}

describe("requests that a proxy and a registry could cut at different places", () => {
  const SMUGGLED = lines("GET /v2/theirs/manifests/v1 HTTP/1.1", "Host: r", ALICE, "");
  const START = ["POST /v2/mine/blobs/uploads/ HTTP/1.1", "Host: r", MALLORY];

  it.each<[string, string]>([
    ["length and chunks", lines("Content-Length: 5", "Transfer-Encoding: chunked", "") + lines("0", "")],
    ["chunks and length", lines("Transfer-Encoding: chunked", "Content-Length: 5", "") + lines("0", "")],
    ["two lengths", lines("Content-Length: 0", "Content-Length: 90", "")],
    ["two lengths in a line", lines("Content-Length: 0, 90", "")],
    ["the same length twice", lines("Content-Length: 0", "Content-Length: 0", "")],
    ["a length with a sign", lines("Content-Length: +0", "")],
    ["a negative length", lines("Content-Length: -1", "")],
    ["a length in hexadecimal", lines("Content-Length: 0x0", "")],
    ["a length that overflows", lines("Content-Length: 18446744073709551616", "")],
    ["a length behind a space", lines("Content-Length : 0", "")],
    ["a length in a folded line", lines("Content-Length:", " 0", "")],
    ["chunks behind a space", lines("Transfer-Encoding : chunked", "") + lines("0", "")],
    ["chunks in a folded line", lines("Transfer-Encoding:", " chunked", "") + lines("0", "")],
    [
      "chunks that are not the last coding",
      lines("Transfer-Encoding: chunked, identity", "") + lines("0", ""),
    ],
    ["an unknown coding", lines("Transfer-Encoding: xchunked", "") + lines("0", "")],
    ["chunks behind a tab", lines("Transfer-Encoding:\tchunked\u000b", "") + lines("0", "")],
    ["two codings", lines("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "") + lines("0", "")],
    ["a chunk size that is none", lines("Transfer-Encoding: chunked", "", "0x0", "")],
    ["a chunk size with a sign", lines("Transfer-Encoding: chunked", "", "-0", "")],
    ["a chunk that is longer than its size", lines("Transfer-Encoding: chunked", "", "1", "ab", "0", "")],
    ["a bare line feed after a header", "X-Any: x\nContent-Length: 0\r\n\r\n"],
    ["a bare carriage return in a header", lines("X-Any: x\rContent-Length: 0", "")],
    ["a NUL in a header", lines("X-Any: a\0b", "Content-Length: 0", "")],
    ["a header without colon", lines("Content-Length", "")],
    ["a header without name", lines(": x", "Content-Length: 0", "")],
    ["a space before the first header", lines(" X-Any: x", "Content-Length: 0", "")],
  ])("are refused, with what follows on the connection: %s", async (_, rest) => {
    const text = await rawRequest(server.port, lines(...START) + rest + SMUGGLED);
    // One that Node reads before it finds the fault is answered, and the connection is closed behind it all the same.
    expect(statusesOf(text).at(-1)).toBe(400);
    expect(text).not.toContain("Alice");
    expect(access.names).not.toContain("theirs");
  });

  it.each<[string, string]>([
    ["no version", "GET /v2/theirs/manifests/v1\r\n\r\n"],
    ["HTTP/0.9", "GET /v2/theirs/manifests/v1 HTTP/0.9\r\n\r\n"],
    ["two hosts", `GET /v2/theirs/manifests/v1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n${MALLORY}\r\n\r\n`],
    ["no host", `GET /v2/theirs/manifests/v1 HTTP/1.1\r\n${ALICE}\r\n\r\n`],
    ["spaces in the target", `GET /v2/mine/manifests/v1 /v2/theirs HTTP/1.1\r\nHost: r\r\n${ALICE}\r\n\r\n`],
    ["a control character in the target", `GET /v2/mine\u0001/x HTTP/1.1\r\nHost: r\r\n${ALICE}\r\n\r\n`],
    ["a tunnel", `CONNECT theirs:80 HTTP/1.1\r\nHost: r\r\n${ALICE}\r\n\r\n`],
  ])("are no requests: %s", async (_, text) => {
    const answer = await rawRequest(server.port, text, { end: true });
    expect(answer).not.toMatch(/^HTTP\/1\.1 200 /m);
    expect(answer).not.toContain("Alice");
  });

  it("are not led into another protocol, which a proxy in front would not follow", async () => {
    const upgrade = ["Connection: Upgrade, HTTP2-Settings, close", "HTTP2-Settings: AAMAAABkAAQAAP__"];
    for (const protocol of ["h2c", "websocket", "TLS/1.0"]) {
      const head = ["GET /v2/theirs/manifests/v1 HTTP/1.1", "Host: r", MALLORY, ...upgrade];
      const text = await rawRequest(server.port, lines(...head, `Upgrade: ${protocol}`, "") + SMUGGLED);
      expect(statusesOf(text)).toEqual([401]);
    }
  });

  it("are answered one by one, each by its own rights (pipelining after a refusal)", async () => {
    const ask = (who: string, name: string): string =>
      lines(`GET /v2/${name}/manifests/v1 HTTP/1.1`, "Host: r", ...(who === "" ? [] : [who]), "");
    const last = lines("GET /v2/ HTTP/1.1", "Host: r", "Connection: close", ALICE, "");
    const text = await rawRequest(
      server.port,
      ask("", "theirs") + ask(ALICE, "theirs") + ask("", "theirs") + ask(MALLORY, "theirs") + last,
    );
    expect(statusesOf(text)).toEqual([401, 200, 401, 401, 200]);
  });

  it("do not become requests out of the body of one that was refused", async () => {
    const body = SMUGGLED;
    const head = ["PUT /v2/theirs/manifests/v2 HTTP/1.1", "Host: r", `Content-Length: ${body.length}`];
    const next = lines("GET /v2/ HTTP/1.1", "Host: r", "Connection: close", MALLORY, "");
    const text = await rawRequest(server.port, lines(...head, "") + body + next);
    expect(text).toMatch(/^HTTP\/1\.1 401 .*HTTP\/1\.1 200 /s);
    expect(statusesOf(text)).toEqual([401, 200]);
    expect(access.asked).toHaveLength(2);
  });

  it("do not become requests out of a body that was never asked for", async () => {
    const body = SMUGGLED;
    const head = ["PUT /v2/theirs/manifests/v2 HTTP/1.1", "Host: r", "Expect: 100-continue"];
    const text = await rawRequest(server.port, lines(...head, `Content-Length: ${body.length}`, "") + body);
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toMatch(/\r\nConnection: close\r\n/);
    expect(statusesOf(text)).toEqual([401]);
    expect(access.asked).toHaveLength(1);
  });
});

describe("the Authorization header", () => {
  const status = async (...headers: string[]): Promise<number> =>
    (await rawAsk(server.port, "/v2/theirs/manifests/v1", { headers })).status;

  it("counts once: the first of several, never two of them joined", async () => {
    expect(await status(ALICE, MALLORY)).toBe(200);
    expect(await status(MALLORY, ALICE)).toBe(401);
    expect(await status("Authorization:", ALICE)).toBe(401);
    expect(await status("Authorization: Test", "Authorization: alice")).toBe(401);
  });

  it("is not taken from anywhere else", async () => {
    for (const header of ["Proxy-Authorization", "X-Authorization", "X-Forwarded-Authorization", "Cookie"]) {
      expect(await status(`${header}: Test alice`)).toBe(401);
    }
    for (const header of ["X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Forwarded-For"]) {
      expect(await status(`${header}: alice`)).toBe(401);
    }
    for (const query of ["access_token=alice", "token=alice", "authorization=Test%20alice"]) {
      const answer = await rawAsk(server.port, `/v2/theirs/manifests/v1?${query}`);
      expect(answer.status).toBe(401);
    }
    const userInfo = await rawAsk(server.port, "http://alice:alice@r.example/v2/theirs/manifests/v1");
    expect(userInfo.status).toBe(401);
  });

  it("is refused with all other headers if it is larger than they may be together", async () => {
    expect(await status(`Authorization: Bearer ${"x".repeat(40_000)}`)).toBe(431);
    expect(await status(...Array.from({ length: 500 }, () => `X-Any: ${"x".repeat(100)}`), ALICE)).toBe(431);
    expect(access.asked).toEqual([]);
  });
});

describe("headers that we write", () => {
  const EVIL = [
    "%0d%0aSet-Cookie:%20x=1",
    "%0aSet-Cookie:x",
    "%22,realm=%22http://evil/",
    "%22%0d%0a%0d%0a<html>",
  ];

  it.each(EVIL)("do not get lines or parameters from a name in the path: %s", async (evil) => {
    for (const target of [
      `/v2/a${evil}/manifests/x`,
      `/v2/${evil}/tags/list`,
      `/v2/a${evil}/blobs/uploads/`,
      `/v2/mine/manifests/x${evil}`,
      `/v2/mine/blobs/${evil}`,
      `/v2/mine/blobs/uploads/${evil}`,
      `/v2/mine/tags/list?n=1&last=${evil}`,
    ]) {
      for (const method of ["GET", "POST", "DELETE"]) {
        for (const headers of [[], [MALLORY]]) {
          const answer = await rawAsk(server.port, target, { method, headers });
          expect(answer.status, target).toBeGreaterThanOrEqual(200);
          expect(answer.head).not.toMatch(/^Set-Cookie/im);
          expect(answer.head).not.toContain("evil");
          expect(answer.body).not.toMatch(/^<html>/m);
        }
      }
    }
    for (const name of access.names) expect(isRepositoryName(name)).toBe(true);
    expect(server.logged.filter((line) => line.level === "error")).toEqual([]);
  });

  it.each([
    ...EVIL,
    "a%20repository:theirs:pull",
    "a:pull%20repository:theirs",
    "theirs,mine",
    "a%5c",
    "%00",
    "%C3%A9",
  ])("do not get lines, parameters or scopes from the source of a mount: %s", async (evil) => {
    for (const from of [evil, `a/${evil}`]) {
      const target = `/v2/mine/blobs/uploads/?mount=${theirs.layer.digest}&from=${from}`;
      for (const headers of [[], [MALLORY]]) {
        const answer = await rawAsk(server.port, target, { method: "POST", headers });
        expect(answer.status).toBe(401);
        expect(answer.head).not.toMatch(/^Set-Cookie/im);
        expect(answer.head).toMatch(
          /\r\nWWW-Authenticate: Test realm="stub",scope="repository:mine:pull repository:mine:push repository:[\w?./-]+:pull"\r\n/,
        );
      }
    }
  });

  it("are of bounded length, whatever is asked for", async () => {
    const long = "a/".repeat(10_000);
    const targets = [
      `/v2/${long}a/manifests/x`,
      `/v2/mine/blobs/uploads/?mount=${theirs.digest}&from=${long}`,
    ];
    for (const target of targets) {
      const answer = await rawAsk(server.port, target, { method: "POST" });
      expect([400, 401]).toContain(answer.status);
      expect(answer.head.length).toBeLessThan(1000);
      expect(answer.body.length).toBeLessThan(2000);
    }
    const tooLong = "b".repeat(400);
    const cut = await rawAsk(server.port, `/v2/mine/blobs/uploads/?mount=${theirs.digest}&from=${tooLong}`, {
      method: "POST",
    });
    expect(cut.status).toBe(401);
    expect(access.names.some((name) => name.startsWith("bbb") && isRepositoryName(name))).toBe(false);
  });

  it.each([
    "X-Forwarded-Host: evil.example/x",
    "X-Forwarded-Host: evil.example, r",
    'X-Forwarded-Host: a"b',
    "X-Forwarded-Proto: javascript",
    "X-Forwarded-Port: 80/@evil.example",
    'Forwarded: host="evil.example/?x=";proto=gopher',
  ])("do not get more than a host from %s", async (header) => {
    const answer = await rawAsk(server.port, "/v2/mine/blobs/uploads/", {
      method: "POST",
      headers: [MALLORY, header],
    });
    expect(answer.status).toBe(202);
    expect(answer.head).toMatch(
      /\r\nLocation: https?:\/\/(?:r|evil)\.example(?::\d+)?\/v2\/mine\/blobs\/uploads\/[\w-]+\?/,
    );
  });
});

describe("a request that is refused", () => {
  const put = (length: number): string =>
    lines("PUT /v2/theirs/manifests/v1 HTTP/1.1", "Host: r", `Content-Length: ${length}`, "");

  it("costs no look at the store", async () => {
    const counted = countDriver(driver);
    const guarded = await serverOfTest({ access, driver: counted.driver });
    const before = JSON.stringify(counted.counts);
    for (const method of ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]) {
      for (const target of ["manifests/v1", "blobs/uploads/", "tags/list", `blobs/${theirs.layer.digest}`]) {
        const answer = await rawAsk(guarded.port, `/v2/theirs/${target}`, { method, body: "x".repeat(5000) });
        expect(answer.status).toBe(401);
      }
    }
    expect(JSON.stringify(counted.counts)).toBe(before);
  });

  it("is answered before its body has come, of which nothing is kept", async () => {
    const guarded = await serverOfTest({ access, driver, limits: { lingerMs: 60, manifestMemoryBytes: 10 } });
    const socket = connect(guarded.port, "127.0.0.1");
    const [first] = await Promise.all([once(socket, "data"), socket.write(put(1e12) + "x".repeat(1000))]);
    expect(String(first[0])).toMatch(/^HTTP\/1\.1 401 /);
    const closed = closeOf(socket);
    const sender = setInterval(() => socket.write("x".repeat(1000)), 5);
    // It goes on sending, and is cut off all the same.
    await closed;
    clearInterval(sender);
  });

  it("is not made to wait by access control that takes its time", async () => {
    const slow = new StubAccess({ mallory: everythingIn("mine") }, true);
    const guarded = await serverOfTest({ access: slow, driver, limits: { lingerMs: 50 } });
    expect(await rawRequest(guarded.port, put(1000))).toMatch(/^HTTP\/1\.1 401 /);
    const taken = await rawAsk(guarded.port, "/v2/mine/blobs/uploads/", {
      method: "POST",
      headers: [MALLORY],
    });
    expect(taken.status).toBe(202);
  });

  it("is cut off if its headers do not come, before anybody is asked", async () => {
    const guarded = await serverOfTest({
      access,
      driver,
      limits: { headersTimeoutMs: 50, connectionsCheckMs: 20 },
    });
    const socket = connect(guarded.port, "127.0.0.1");
    const received: Buffer[] = [];
    socket.on("data", (chunk) => received.push(chunk));
    socket.write("GET /v2/theirs/manifests/v1 HTTP/1.1\r\n");
    const trickle = setInterval(() => socket.write("X-Any: x\r\n"), 10);
    await closeOf(socket);
    clearInterval(trickle);
    expect(Buffer.concat(received).toString()).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    expect(access.asked).toEqual([]);
  });

  it("leaves no user in the access log", async () => {
    await rawAsk(server.port, "/v2/theirs/manifests/v1", { headers: [MALLORY] });
    await rawAsk(server.port, "/v2/theirs/manifests/v1", { headers: [ALICE] });
    const [refused, served] = server.accessLines.slice(-2);
    expect(refused).toMatch(/^127\.0\.0\.1 - - .* 401 /);
    expect(served).toMatch(/^127\.0\.0\.1 - alice .* 200 /);
  });
});

describe("what is open to everybody", () => {
  it("is the root for load balancers and nothing else", async () => {
    expect((await rawAsk(server.port, "/")).status).toBe(200);
    for (const target of ["/v2", "/v2/", "/v2/_catalog", "/v2/theirs/tags/list", "/%76%32/", "/v2%2f"]) {
      expect((await rawAsk(server.port, target)).status, target).toBe(401);
    }
  });
});
