import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { pushBlob, pushImage } from "../../support/push-image.ts";
import { rawRequest } from "../../support/raw-http.ts";
import { serverOfTest } from "../../support/server-of-test.ts";

let server: InProcessServer;

beforeAll(async () => {
  server = await startInProcessServer();
});
afterAll(() => server.close());

async function codeOf(response: Response): Promise<string | undefined> {
  const body = (await response.json()) as { errors: { code: string }[] };
  return body.errors[0]?.code;
}

/** The path is sent as it is, which fetch would not do. */
function rawGet(path: string, headers = ""): Promise<string> {
  return rawRequest(
    server.port,
    `GET ${path} HTTP/1.1\r\nHost: r.example\r\nConnection: close\r\n${headers}\r\n`,
  );
}

describe("the base of the API", () => {
  it("says that it is a registry", async () => {
    for (const path of ["/v2/", "/v2"]) {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(await response.json()).toEqual({});
    }
  });

  it("answers / with nothing", async () => {
    const response = await fetch(server.url);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  it("answers other paths with the spec's JSON", async () => {
    for (const path of ["/v1/", "/v2/x", "/index.html", "/v2/a/b/unknown/c"]) {
      const response = await fetch(server.url + path);
      expect(response.status, path).toBe(404);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(await codeOf(response)).toBe("UNSUPPORTED");
    }
  });

  it.each([
    ["POST", "/v2/", "GET, HEAD, OPTIONS"],
    ["PUT", "/v2/a/tags/list", "GET, HEAD, OPTIONS"],
    ["PATCH", "/v2/a/manifests/x", "GET, HEAD, PUT, DELETE, OPTIONS"],
    ["GET", "/v2/a/blobs/uploads/", "POST, OPTIONS"],
    ["DELETE", "/v2/_catalog", "GET, HEAD, OPTIONS"],
    ["PROPFIND", "/v2/a/manifests/x", "GET, HEAD, PUT, DELETE, OPTIONS"],
  ])("answers %s %s with 405 and what is allowed", async (method, path, allow) => {
    const response = await fetch(server.url + path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect(await codeOf(response)).toBe("UNSUPPORTED");
  });

  it("takes a whole URL for the request's target", async () => {
    const found = await rawGet("http://r.example/v2/?n=1");
    expect(found).toMatch(/^HTTP\/1\.1 200 /);
    expect(await rawGet("HTTPS://r.example:5000/v2/no/such/tags/list")).toContain("NAME_UNKNOWN");
    expect(await rawGet("http://r.example")).toMatch(/^HTTP\/1\.1 200 /);
    expect(await rawGet("ftp://r.example/v2/")).toMatch(/^HTTP\/1\.1 404 /);
  });

  it("serves HTTP/1.0 clients, with relative URLs as they name no host", async () => {
    const answer = await rawRequest(server.port, "POST /v2/old/client/blobs/uploads/ HTTP/1.0\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 202 /);
    expect(answer).toMatch(/\r\nLocation: \/v2\/old\/client\/blobs\/uploads\//);
  });
});

describe("hostile input", () => {
  it.each([
    "/v2/%2e%2e/%2e%2e/etc/manifests/x",
    "/v2/../../etc/manifests/x",
    "/v2/a/../b/manifests/x",
    "/v2/a//b/manifests/x",
    "/v2//manifests/x",
    "/v2/a%2f%2e%2e%2fb/manifests/x",
    "/v2/a%00b/manifests/x",
    "/v2/a%0d%0aSet-Cookie:x/manifests/x",
    "/v2/UPPER/manifests/x",
    "/v2/_catalog/manifests/x",
    "/v2/a/_uploads/manifests/x",
    `/v2/${"a".repeat(256)}/manifests/x`,
    `/v2/${"a/".repeat(200)}a/manifests/x`,
  ])("refuses the name in %s", async (path) => {
    const answer = await rawGet(path);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"NAME_INVALID"');
    expect(answer).not.toMatch(/\r\nSet-Cookie/i);
  });

  it.each(["/v2/a/manifests/%zz", "/v2/a/manifests/%", "/v2/%ff/manifests/x"])(
    "finds nothing at the broken encoding %s",
    async (path) => expect(await rawGet(path)).toMatch(/^HTTP\/1\.1 404 /),
  );

  it.each(["/v2/a/manifests/%2e%2e", "/v2/a/manifests/a%2fb", "/v2/a/manifests/%00"])(
    "finds no tag at %s",
    async (path) => expect(await rawGet(path)).toMatch(/^HTTP\/1\.1 (404|400) /),
  );

  it("does not let headers of the request into those of the answer", async () => {
    const answer = await rawRequest(
      server.port,
      "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: r.example\r\nX-Forwarded-Host: evil.example/x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
    expect(answer).toContain("\r\nLocation: http://r.example/v2/a/");
  });

  it("refuses headers that are too large, and what is not HTTP", async () => {
    expect(await rawGet("/v2/", `X-Large: ${"x".repeat(40_000)}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await rawRequest(server.port, "this is not HTTP\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    expect(await rawRequest(server.port, "GET /v2/ HTTP/1.1\r\nConnection: close\r\n\r\n")).toMatch(/ 400 /);
  });

  it("is not confused by a body whose length is told twice", async () => {
    const text =
      "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v2/ HTTP/1.1\r\n\r\n";
    expect(await rawRequest(server.port, text)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("bodies that do not keep their promise", () => {
  it("keeps the bytes of an upload whose client went away, so that it can go on", async () => {
    const start = await fetch(`${server.url}/v2/gone/blobs/uploads/`, { method: "POST" });
    const url = new URL(start.headers.get("location") ?? "");
    await new Promise<void>((resolve) => {
      const request = httpRequest(url, { method: "PATCH", headers: { "Content-Length": "100" } });
      request.on("error", () => undefined);
      request.on("close", resolve);
      request.write("0123456789", () => setTimeout(() => request.destroy(), 50));
    });
    const status = await fetch(url);
    expect(status.status).toBe(204);
    expect(status.headers.get("range")).toBe("0-9");
    const digest = digestOf(Buffer.from("0123456789"));
    url.searchParams.set("digest", digest);
    expect((await fetch(url, { method: "PUT" })).status).toBe(201);
    expect(server.logged.filter((line) => line.level === "error")).toEqual([]);
  });

  it("closes the connection of an upload that stands still", async () => {
    const slow = await serverOfTest({ limits: { uploadIdleTimeoutMs: 50 } });
    const start = await fetch(`${slow.url}/v2/slow/blobs/uploads/`, { method: "POST" });
    const { pathname } = new URL(start.headers.get("location") ?? "");
    const text = `PATCH ${pathname} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc`;
    expect(await rawRequest(slow.port, text)).toBe("");
    const status = await fetch(`${slow.url}${pathname}`);
    expect(status.headers.get("range")).toBe("0-2");
    expect(slow.accessLines.some((line) => /^127\.0\.0\.1 .*"PATCH .*" 499 /.test(line))).toBe(true);
  });

  it("closes the connection of a manifest that trickles, however busy it looks", async () => {
    const slow = await serverOfTest({ limits: { manifestBodyTimeoutMs: 150 } });
    const request = httpRequest(`${slow.url}/v2/slow/manifests/x`, {
      method: "PUT",
      headers: { "Content-Length": "1000" },
    });
    const trickle = setInterval(() => request.write("x"), 20);
    const ended = new Promise((resolve) => {
      request.on("close", () => resolve("closed"));
      request.on("error", () => undefined);
    });
    request.flushHeaders();
    expect(await ended).toBe("closed");
    clearInterval(trickle);
  });

  it("closes a connection whose headers do not come", async () => {
    const slow = await serverOfTest({ limits: { headersTimeoutMs: 50, connectionsCheckMs: 20 } });
    expect(await rawRequest(slow.port, "GET /v2/ HTTP/1.1\r\nHost:")).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("gives the memory of refused and broken manifests back", async () => {
    const small = await serverOfTest({ limits: { manifestMemoryBytes: 1000 } });
    const put = (body: string): Promise<Response> =>
      fetch(`${small.url}/v2/a/manifests/x`, { method: "PUT", body });
    for (let round = 0; round < 5; round++) expect((await put("x".repeat(600))).status).toBe(400);
    const response = await put("x".repeat(1001));
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await codeOf(response)).toBe("TOOMANYREQUESTS");
    expect((await put("x".repeat(1000))).status).toBe(400);
  });

  it("refuses before the body where the client waits to be asked for it", async () => {
    const put = (path: string, length: number): Promise<string> =>
      rawRequest(
        server.port,
        `PUT ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`,
      );
    expect(await put("/v2/a/manifests/x", 5_000_000)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await put("/v2/BAD/manifests/x", 10)).toMatch(/^HTTP\/1\.1 400 /);
    await server.control.setReadOnly(true);
    expect(await put("/v2/a/manifests/x", 10)).toMatch(/^HTTP\/1\.1 405 /);
    await server.control.setReadOnly(false);
  });

  it("asks for the body where it wants it", async () => {
    const body = "content";
    const digest = digestOf(Buffer.from(body));
    const path = `/v2/expect/blobs/uploads/?digest=${digest}`;
    const answer = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(`${server.url}${path}`, {
        method: "POST",
        headers: { Expect: "100-continue", "Content-Length": String(body.length) },
      });
      let continued = false;
      request.on("continue", () => {
        continued = true;
        request.end(body);
      });
      request.on("response", (response) => resolve(`${continued} ${response.statusCode}`));
      request.on("error", reject);
      request.flushHeaders();
    });
    expect(answer).toBe("true 201");
  });

  it("lets a refused client read why, though it is still sending", async () => {
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${server.url}/v2/a/manifests/x`, { method: "PUT" });
      request.on("response", (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on("error", reject);
      request.end(Buffer.alloc(20 * 1024 * 1024, "x"));
    });
    expect(answer).toBe(413);
  });
});

describe("slow downloads", () => {
  it("ends one that takes nothing, and frees its pins", async () => {
    const slow = await serverOfTest({ limits: { downloadIdleTimeoutMs: 100 } });
    const blob = await pushBlob(slow.url, "slow", Buffer.alloc(30 * 1024 * 1024));
    const ended = new Promise((resolve) => {
      const request = httpRequest(`${slow.url}/v2/slow/blobs/${blob.digest}`, (response) => {
        response.pause();
        response.on("error", resolve);
        response.on("close", resolve);
        setTimeout(() => response.resume(), 2000);
      });
      request.on("error", resolve);
      request.end();
    });
    await expect.poll(() => slow.coordination.pinned, { timeout: 30_000 }).toEqual([]);
    await ended;
    expect(slow.control.requestsInFlight()).toBe(0);
  });
});

describe("read-only mode and disabled deletes", () => {
  it("refuses every write with 405, and takes them again", async () => {
    const image = await pushImage(server.url, "ro/repo", "x", "latest");
    const start = await fetch(`${server.url}/v2/ro/repo/blobs/uploads/`, { method: "POST" });
    const upload = new URL(start.headers.get("location") ?? "");
    const writes: [string, string][] = [
      ["POST", "/v2/ro/repo/blobs/uploads/"],
      ["PATCH", upload.pathname],
      ["PUT", upload.pathname],
      ["DELETE", upload.pathname],
      ["PUT", "/v2/ro/repo/manifests/other"],
      ["DELETE", "/v2/ro/repo/manifests/latest"],
      ["DELETE", `/v2/ro/repo/blobs/${image.layer.digest}`],
      ["DELETE", "/v2/ro/repo/tags/reference/latest"],
    ];
    await server.control.setReadOnly(true);
    for (const [method, path] of writes) {
      const response = await fetch(server.url + path, { method });
      expect(response.status, `${method} ${path}`).toBe(405);
      expect(response.headers.get("allow")).not.toMatch(/POST|PUT|PATCH|DELETE/);
      expect(await codeOf(response)).toBe("UNSUPPORTED");
    }
    expect((await fetch(`${server.url}/v2/ro/repo/manifests/latest`)).status).toBe(200);
    await server.control.setReadOnly(false);
    expect((await fetch(upload, { method: "DELETE" })).status).toBe(204);
  });

  it("is read-only from the start if so configured", async () => {
    const other = await serverOfTest({ settings: { readOnly: true } });
    const response = await fetch(`${other.url}/v2/a/blobs/uploads/`, { method: "POST" });
    expect(response.status).toBe(405);
  });

  it("refuses deletes where they are disabled, but not of uploads", async () => {
    const other = await serverOfTest({ settings: { deleteEnabled: false } });
    const image = await pushImage(other.url, "a", "x", "latest");
    for (const path of [
      "manifests/latest",
      `manifests/${image.digest}`,
      `blobs/${image.layer.digest}`,
      "tags/reference/latest",
    ]) {
      const response = await fetch(`${other.url}/v2/a/${path}`, { method: "DELETE" });
      expect(response.status, path).toBe(405);
    }
    const start = await fetch(`${other.url}/v2/a/blobs/uploads/`, { method: "POST" });
    expect((await fetch(start.headers.get("location") ?? "", { method: "DELETE" })).status).toBe(204);
  });
});

describe("http settings", () => {
  it("serves below a prefix, and gives URLs with it", async () => {
    const other = await serverOfTest({ http: { prefix: "/registry/" } });
    expect((await fetch(`${other.url}/registry/v2/`)).status).toBe(200);
    expect((await fetch(`${other.url}/v2/`)).status).toBe(404);
    const start = await fetch(`${other.url}/registry/v2/a/blobs/uploads/`, { method: "POST" });
    const location = start.headers.get("location") ?? "";
    expect(location.startsWith(`${other.url}/registry/v2/a/blobs/uploads/`)).toBe(true);
    expect((await fetch(location)).status).toBe(204);
  });

  it("leaves out configured headers that would break its answers, and says so", async () => {
    const other = await serverOfTest({
      http: {
        headers: {
          "X-Bad Name": ["a"],
          "X-Folded": ["a\n  b"],
          "X-Foreign": ["日本"],
          "content-length": ["7"],
          "transfer-encoding": ["chunked"],
          "content-type": ["text/plain"],
        },
      },
    });
    const response = await fetch(`${other.url}/v2/`);
    expect(await response.json()).toEqual({});
    expect(response.headers.get("x-folded")).toMatch(/^a +b$/);
    expect(response.headers.get("content-type")).toBe("application/json");
    const warned = other.logged
      .filter((line) => line.level === "warn")
      .map((line) => line.fields?.["header"]);
    expect(warned).toEqual(["X-Bad Name", "X-Foreign", "content-length", "transfer-encoding"]);
  });

  it("adds configured headers to every answer, errors included", async () => {
    const other = await serverOfTest({
      http: { headers: { "X-Content-Type-Options": ["nosniff"], "X-Two": ["a", "b"] } },
    });
    for (const path of ["/v2/", "/nothing"]) {
      const response = await fetch(other.url + path);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("x-two")).toBe("a, b");
    }
  });

  it("gives relative URLs, or those of http.host, or those that a proxy tells", async () => {
    const relative = await serverOfTest({ http: { relativeUrls: true } });
    const start = (url: string, headers = {}): Promise<Response> =>
      fetch(`${url}/v2/a/blobs/uploads/`, { method: "POST", headers });
    expect((await start(relative.url)).headers.get("location")).toMatch(/^\/v2\/a\//);
    const fixed = await serverOfTest({ http: { host: "https://r.example" } });
    expect((await start(fixed.url)).headers.get("location")).toMatch(/^https:\/\/r\.example\/v2\/a\//);
    const proxied = await start(server.url, {
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "p.example",
    });
    expect(proxied.headers.get("location")).toMatch(/^https:\/\/p\.example\/v2\/a\//);
  });
});

describe("the access log", () => {
  it("has one line for each request, with the bytes sent", async () => {
    const blob = await pushBlob(server.url, "logged", "twelve bytes");
    const agent = { "User-Agent": 'agent "x"', Referer: "https://ref.example" };
    server.accessLines.length = 0;
    await (await fetch(`${server.url}/v2/logged/blobs/${blob.digest}?a=b`, { headers: agent })).text();
    await fetch(`${server.url}/v2/logged/blobs/${blob.digest}`, { method: "HEAD" });
    await expect.poll(() => server.accessLines.length).toBe(2);
    expect(server.accessLines[0]).toMatch(
      new RegExp(
        `^127\\.0\\.0\\.1 - - \\[[^\\]]+\\] "GET /v2/logged/blobs/${blob.digest}\\?a=b HTTP/1\\.1" 200 12 "https://ref\\.example" "agent \\\\"x\\\\""$`,
      ),
    );
    expect(server.accessLines[1]).toMatch(/"HEAD \S+ HTTP\/1\.1" 200 - /);
  });
});

describe("the structured log", () => {
  it("takes no expected refusal for an error", async () => {
    server.logged.length = 0;
    await fetch(`${server.url}/v2/a/manifests/none`);
    await fetch(`${server.url}/v2/a/manifests/none`, { method: "PUT", body: "{" });
    expect(server.logged.filter(({ level }) => level !== "debug")).toEqual([]);
  });

  it("tells what went wrong inside, and clients only that something did", async () => {
    const broken = await serverOfTest();
    broken.registry.catalog = () => Promise.reject(new Error("secret detail of /srv/x"));
    const response = await fetch(`${broken.url}/v2/_catalog`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(broken.logged).toContainEqual(
      expect.objectContaining({
        level: "error",
        fields: expect.objectContaining({
          method: "GET",
          uri: "/v2/_catalog",
          error: "secret detail of /srv/x",
          requestId: expect.any(String),
        }),
      }),
    );
  });
});

describe("draining", () => {
  it("lets the requests that have begun end, and keeps no connection", async () => {
    const draining = await serverOfTest();
    const start = await fetch(`${draining.url}/v2/a/blobs/uploads/`, { method: "POST" });
    const content = "the whole body";
    const request = httpRequest(start.headers.get("location") ?? "", { method: "PATCH" });
    const answered = new Promise<{ status: number | undefined; connection: string | undefined }>(
      (resolve, reject) => {
        request.on("response", (response) => {
          response.resume();
          resolve({ status: response.statusCode, connection: response.headers.connection });
        });
        request.on("error", reject);
      },
    );
    request.write("the whole ");
    await expect.poll(() => draining.control.requestsInFlight()).toBe(1);
    let drained = false;
    const drain = draining.control.drain(0).then(() => {
      drained = true;
    });
    await expect(fetch(`${draining.url}/v2/`)).rejects.toThrow();
    expect(drained).toBe(false);
    request.end(content.slice("the whole ".length));
    expect(await answered).toEqual({ status: 202, connection: "close" });
    await drain;
    expect(draining.control.requestsInFlight()).toBe(0);
  });

  it("does not wait longer than it is told", async () => {
    const draining = await serverOfTest();
    const start = await fetch(`${draining.url}/v2/a/blobs/uploads/`, { method: "POST" });
    const request = httpRequest(start.headers.get("location") ?? "", { method: "PATCH" });
    request.on("error", () => undefined);
    const closed = new Promise((resolve) => request.on("close", resolve));
    request.write("never finished");
    await expect.poll(() => draining.control.requestsInFlight()).toBe(1);
    expect(await draining.control.drain(50)).toBe(1);
    await closed;
  });

  it("leaves no upload behind that nobody can go on with", async () => {
    const draining = await serverOfTest();
    const digest = digestOf(Buffer.from("what does not come"));
    const request = httpRequest(`${draining.url}/v2/a/blobs/uploads/?digest=${digest}`, { method: "POST" });
    request.on("error", () => undefined);
    request.write("some of it");
    const open = async (): Promise<number> => {
      let count = 0;
      for await (const _ of draining.registry.repository("a").uploads.list()) count++;
      return count;
    };
    await expect.poll(open).toBe(1);
    await draining.control.drain(50);
    expect(await open()).toBe(0);
  });
});
