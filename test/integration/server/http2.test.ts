import { once } from "node:events";
import type { ClientHttp2Stream } from "node:http2";
import { request } from "node:https";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { type Http2Client, http2Client, pushBlobOverHttp2 } from "../../support/http2-client.ts";
import type { InProcessOptions, InProcessServer } from "../../support/in-process-server.ts";
import { serveTls } from "../../support/tls-server.ts";

let server: InProcessServer;
let client: Http2Client;

beforeAll(async () => {
  server = await serveTls();
  client = await http2Client(server.url);
});
afterAll(async () => {
  await client.close();
  await server.close();
});

/** A server of its own with a client of its own, for what changes either. */
async function another(options: InProcessOptions = {}): Promise<[InProcessServer, Http2Client]> {
  const other = await serveTls(options);
  const own = await http2Client(other.url);
  onTestFinished(async () => {
    await own.close();
    await other.close();
  });
  return [other, own];
}

/** Unlike `once`, it takes no error for a reason to stop waiting. */
function closed(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => stream.once("close", resolve));
}

function pathOf(location: unknown): string {
  const { pathname, search } = new URL(String(location), "http://relative");
  return pathname + search;
}

describe("the version of HTTP", () => {
  const agreed = async (port: number, ALPNProtocols?: string[]): Promise<string | false | null> => {
    const options = { port, host: "127.0.0.1", rejectUnauthorized: false };
    const socket = connectTls(ALPNProtocols === undefined ? options : { ...options, ALPNProtocols });
    await once(socket, "secureConnect");
    socket.destroy();
    return socket.alpnProtocol;
  };

  it("is the client's choice", async () => {
    expect(await agreed(server.port, ["h2", "http/1.1"])).toBe("h2");
    expect(await agreed(server.port, ["http/1.1"])).toBe("http/1.1");
    expect(await agreed(server.port)).toBe(false);
  });

  it("is 1.1 where http2 is disabled", async () => {
    const old = await serveTls({ http: { http2: false } });
    onTestFinished(() => old.close());
    expect(await agreed(old.port, ["h2", "http/1.1"])).toBe("http/1.1");
  });

  it("can be both at a time", async () => {
    const status = await new Promise((resolve, reject) => {
      const asking = request(`${server.url}/v2/`, { rejectUnauthorized: false }, (response) => {
        response.resume();
        resolve(`${response.httpVersion} ${response.statusCode}`);
      });
      asking.on("error", reject);
      asking.end();
    });
    expect(status).toBe("1.1 200");
    expect((await client.send("GET", "/v2/")).status).toBe(200);
  });
});

describe("over HTTP/2", () => {
  it("an image is pushed and pulled", async () => {
    const layer = Buffer.alloc(3_000_001, "layer");
    const digest = await pushBlobOverHttp2(client, "image", layer);
    const config = await pushBlobOverHttp2(client, "image", Buffer.from("{}"));
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: 2 },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: layer.length }],
    });
    const headers = { "content-type": OCI_MANIFEST };
    const put = await client.send("PUT", "/v2/image/manifests/v1", { headers, body: manifest });
    expect(put.status).toBe(201);
    const got = await client.send("GET", "/v2/image/manifests/v1", { headers: { accept: OCI_MANIFEST } });
    expect(got.body.toString()).toBe(manifest);
    const whole = await client.send("GET", `/v2/image/blobs/${digest}`);
    expect(whole.headers["content-length"]).toBe(String(layer.length));
    expect(whole.body.equals(layer)).toBe(true);
    const part = await client.send("GET", `/v2/image/blobs/${digest}`, { headers: { range: "bytes=5-9" } });
    expect([part.status, part.body.toString()]).toEqual([206, "layer"]);
    const head = await client.send("HEAD", `/v2/image/blobs/${digest}`);
    expect([head.status, head.headers["content-length"], head.code]).toEqual([200, "3000001", 0]);
    const mount = await client.send("POST", `/v2/other/blobs/uploads/?mount=${digest}&from=image`);
    expect(mount.status).toBe(201);
    const gone = await client.send("DELETE", "/v2/image/manifests/v1");
    expect([gone.status, gone.code]).toEqual([202, 0]);
  });

  it("an upload goes on in chunks", async () => {
    const start = await client.send("POST", "/v2/chunks/blobs/uploads/");
    const chunk = (body: string, from: number, location: unknown) =>
      client.send("PATCH", pathOf(location), {
        headers: { "content-range": `${from}-${from + body.length - 1}`, "content-length": body.length },
        body,
      });
    const first = await chunk("hello ", 0, start.headers.location);
    expect([first.status, first.headers["range"]]).toEqual([202, "0-5"]);
    const wrong = await chunk("again", 3, first.headers.location);
    expect([wrong.status, wrong.code]).toEqual([416, 0]);
    const second = await chunk("world", 6, first.headers.location);
    const digest = digestOf(Buffer.from("hello world"));
    const finish = await client.send("PUT", `${pathOf(second.headers.location)}&digest=${digest}`, {
      body: "",
    });
    expect(finish.status).toBe(201);
  });

  it("the authority is the host of our URLs, whatever Host says", async () => {
    const named = { ":authority": "registry.example:8443" };
    const start = await client.send("POST", "/v2/a/blobs/uploads/", { headers: named });
    expect(start.headers.location).toMatch(/^https:\/\/registry\.example:8443\/v2\/a\//);
    const evil = await client.send("POST", "/v2/a/blobs/uploads/", {
      headers: { ...named, host: "evil.example" },
    });
    expect(evil.headers.location ?? "refused").not.toContain("evil");
  });

  it("no header of HTTP/1 is sent, and configured ones are", async () => {
    const [, own] = await another({
      http: {
        headers: {
          "X-Content-Type-Options": ["nosniff", "nosniff"],
          "Set-Cookie": ["a=1", "b=2"],
          Connection: ["keep-alive"],
          "Proxy-Connection": ["keep-alive"],
          TE: ["gzip"],
        },
      },
    });
    const { status, headers } = await own.send("GET", "/v2/");
    expect(status).toBe(200);
    expect(headers["x-content-type-options"]).toBe("nosniff, nosniff");
    expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    for (const name of ["connection", "proxy-connection", "te", "keep-alive", "transfer-encoding"])
      expect(headers, name).not.toHaveProperty(name);
  });

  it("the access log tells who asked for what, and by which version", async () => {
    await client.send("GET", "/v2/nowhere/tags/list");
    await expect
      .poll(() => server.accessLines.at(-1))
      .toMatch(/^127\.0\.0\.1 - - \[.*\] "GET \/v2\/nowhere\/tags\/list HTTP\/2\.0" 404 \d+ /);
  });

  it("hostile paths are refused as over HTTP/1", async () => {
    for (const path of [
      "/v2/../../etc/manifests/x",
      "/v2/a%2f%2e%2e%2fb/manifests/x",
      "/v2/UP/manifests/x",
    ]) {
      const answer = await client.send("GET", path);
      expect([400, 404], path).toContain(answer.status);
    }
    for (const path of ["*", "https://r.example/v2/", "v2/"]) {
      const { status, code } = await client.send("GET", path);
      expect([status, code === 0], path).toEqual([undefined, false]);
    }
    const tunnel = client.session.request({ ":method": "CONNECT", ":authority": "evil.example:80" });
    const [headers] = await once(tunnel, "response");
    expect(headers[":status"]).toBe(405);
    tunnel.destroy();
  });
});

describe("a body over HTTP/2", () => {
  it("is sent only when it is asked for", async () => {
    const bytes = Buffer.from("awaited");
    const start = await client.send("POST", "/v2/awaited/blobs/uploads/");
    const stream = client.session.request({
      ":method": "PUT",
      ":path": `${pathOf(start.headers.location)}&digest=${digestOf(bytes)}`,
      expect: "100-continue",
    });
    await once(stream, "continue");
    stream.end(bytes);
    const [head] = await once(stream, "response");
    expect(head[":status"]).toBe(201);
    stream.resume();
  });

  it("is not asked for when it would be refused, and the stream ends all the same", async () => {
    const stream = client.session.request({
      ":method": "PUT",
      ":path": "/v2/UPPER/manifests/x",
      expect: "100-continue",
    });
    let invited = false;
    stream.on("continue", () => {
      invited = true;
    });
    stream.on("error", () => undefined);
    const [head] = await once(stream, "response");
    expect(head[":status"]).toBe(400);
    stream.resume();
    stream.end();
    await once(stream, "close");
    expect(invited).toBe(false);
    await expect.poll(() => server.control.requestsInFlight()).toBe(0);
  });

  it("is not taken to its end when it is refused, and the others of the connection go on", async () => {
    const [other, own] = await another({ limits: { lingerMs: 200 } });
    const stream = own.session.request({ ":method": "PUT", ":path": "/v2/UPPER/manifests/x" });
    stream.on("error", () => undefined);
    const sending = setInterval(() => stream.write(Buffer.alloc(64 * 1024)), 5);
    const [head] = await once(stream, "response");
    expect(head[":status"]).toBe(400);
    stream.resume();
    await once(stream, "close");
    clearInterval(sending);
    expect(stream.rstCode).toBe(0);
    expect((await own.send("GET", "/v2/")).status).toBe(200);
    await expect.poll(() => other.control.requestsInFlight()).toBe(0);
  });

  it("that is too large for a manifest is refused in the middle of it", async () => {
    const [other, own] = await another({ limits: { maxManifestBytes: 100_000, lingerMs: 200 } });
    for (const headers of [{}, { "content-length": 5_000_000 }]) {
      const answer = await own.send("PUT", "/v2/large/manifests/v1", {
        headers,
        body: Buffer.alloc(5_000_000),
      });
      expect([answer.status, answer.code]).toEqual([413, 0]);
    }
    expect((await own.send("GET", "/v2/")).status).toBe(200);
    await expect.poll(() => other.control.requestsInFlight()).toBe(0);
  });

  it("that stops coming is given up, with its stream alone", async () => {
    const [other, own] = await another({ limits: { uploadIdleTimeoutMs: 100, manifestBodyTimeoutMs: 100 } });
    const start = await own.send("POST", "/v2/idle/blobs/uploads/");
    for (const [method, path] of [
      ["PATCH", pathOf(start.headers.location)],
      ["PUT", "/v2/idle/manifests/v1"],
    ] as const) {
      const stream = own.session.request({ ":method": method, ":path": path });
      stream.on("error", () => undefined);
      stream.write("a");
      await closed(stream);
      expect(stream.rstCode, method).not.toBe(0);
    }
    expect((await own.send("GET", "/v2/")).status).toBe(200);
    expect(other.control.requestsInFlight()).toBe(0);
  });

  it("that is longer or shorter than it said is refused", async () => {
    for (const length of [3, 30]) {
      const start = await client.send("POST", "/v2/length/blobs/uploads/");
      const answer = await client.send("PATCH", pathOf(start.headers.location), {
        headers: { "content-length": length },
        body: "ten bytes!",
      });
      expect([answer.status, answer.code === 0]).toEqual([undefined, false]);
    }
    expect((await client.send("GET", "/v2/")).status).toBe(200);
  });
});

describe("slow readers", () => {
  it("hold neither the memory nor the other streams of their connection", async () => {
    const [other, own] = await another();
    const bytes = Buffer.alloc(24 * 1024 * 1024, "slow readers ");
    const digest = await pushBlobOverHttp2(own, "slow", bytes);
    const before = process.memoryUsage();
    const slow = Array.from({ length: 30 }, () => {
      const stream = own.session.request({ ":path": `/v2/slow/blobs/${digest}` });
      stream.on("error", () => undefined);
      return stream;
    });
    await Promise.all(slow.map((stream) => once(stream, "response")));
    expect((await own.send("GET", `/v2/slow/blobs/${digest}`)).body.equals(bytes)).toBe(true);
    const after = process.memoryUsage();
    const held = after.rss + after.external - before.rss - before.external;
    expect(held).toBeLessThan(30 * bytes.length);
    const [one, two, ...rest] = slow;
    for (const stream of rest) stream.close(8);
    for (const stream of [one, two]) {
      const parts: Buffer[] = [];
      stream?.on("data", (part: Buffer) => parts.push(part));
      if (stream !== undefined) await once(stream, "end");
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    }
    await expect.poll(() => other.control.requestsInFlight()).toBe(0);
  });

  it("are cut off when they take nothing for too long, such that they know", async () => {
    const [other, own] = await another({ limits: { downloadIdleTimeoutMs: 200 } });
    const digest = await pushBlobOverHttp2(own, "stuck", Buffer.alloc(8 * 1024 * 1024));
    const stream = own.session.request({ ":path": `/v2/stuck/blobs/${digest}` });
    stream.on("error", () => undefined);
    await closed(stream);
    expect(stream.rstCode).not.toBe(0);
    await expect.poll(() => other.control.requestsInFlight()).toBe(0);
    expect((await own.send("GET", "/v2/")).status).toBe(200);
  });
});
