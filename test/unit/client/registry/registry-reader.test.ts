import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Credentials } from "../../../../src/client/registry/credentials.ts";
import { parseAddress } from "../../../../src/client/registry/registry-address.ts";
import { RegistryClient } from "../../../../src/client/registry/registry-client.ts";
import { RegistryReader } from "../../../../src/client/registry/registry-reader.ts";
import { realmOf } from "../../../../src/client/registry/token-service.ts";
import { CancelledError } from "../../../../src/errors.ts";
import { digestOf } from "../../../../src/oci/digest.ts";
import { RegistrySource } from "../../../../src/operations/verify/repair/registry-source.ts";
import { blobDataPath } from "../../../../src/registry/paths.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";

const CONTENT = Buffer.from("the bytes of a layer ".repeat(5000));
const DIGEST = digestOf(CONTENT);
const WANTED = { digest: DIGEST, isManifest: false, repositories: ["a/b"], sizeBytes: CONTENT.length };
const PATH = blobDataPath(DIGEST);
const SIGNAL = new AbortController().signal;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function reader(address: string, credentials?: Credentials): RegistryReader {
  return new RegistryReader(
    new RegistryClient({ address: parseAddress(address), credentials, firstWaitMs: 1 }),
  );
}

async function fetched(address: string, credentials?: Credentials, wanted = WANTED): Promise<Buffer> {
  const driver = new MemoryDriver();
  await new RegistrySource(reader(address, credentials)).copyTo(driver, PATH, wanted, SIGNAL);
  return Buffer.from(await driver.get(PATH));
}

/** Nothing is at the path, and nothing half-written beside it. */
async function fails(address: string, credentials?: Credentials, wanted = WANTED): Promise<Error> {
  const driver = new MemoryDriver();
  const error: unknown = await new RegistrySource(reader(address, credentials))
    .copyTo(driver, PATH, wanted, SIGNAL)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  await expect(driver.stat(PATH)).rejects.toThrow("no such path");
  if (!(error instanceof Error)) throw new Error("it did not fail");
  return error;
}

const sends: RequestListener = (_request, response) => void response.end(CONTENT);
const basicOf = ({ headers }: IncomingMessage): string =>
  Buffer.from((headers.authorization ?? "").replace("Basic ", ""), "base64").toString();

describe("fetching from a registry", () => {
  it("asks for a blob below the prefix, and for a manifest with all types that there are", async () => {
    const seen: string[] = [];
    const address = await serve((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.accept?.split(", ").length ?? 0}`);
      response.end(CONTENT);
    });
    expect(await fetched(`${address}/prefix/`)).toEqual(CONTENT);
    expect(await fetched(`${address}/v2/`, undefined, { ...WANTED, isManifest: true })).toEqual(CONTENT);
    expect(seen).toEqual([`GET /prefix/v2/a/b/blobs/${DIGEST} 0`, `GET /v2/a/b/manifests/${DIGEST} 6`]);
  });

  it("takes nothing but the bytes of the digest, in their number", async () => {
    const wrong = Buffer.from(CONTENT).fill("x", 3, 4);
    const other = await serve((_request, response) => void response.end(wrong));
    expect((await fails(other)).message).toContain(`with the digest ${digestOf(wrong)}`);
    const longer = await serve((_request, response) => void response.end(Buffer.concat([CONTENT, CONTENT])));
    expect((await fails(longer)).message).toContain(`not ${CONTENT.length}`);
    const endless = await serve((_request, response) => {
      response.write(CONTENT);
      const more = setInterval(() => response.write(CONTENT), 1);
      response.on("close", () => clearInterval(more));
    });
    expect((await fails(endless)).message).toContain("with the digest");
  });

  it("begins anew when a transfer breaks off, and asks again what passes", async () => {
    let requests = 0;
    const address = await serve((_request, response) => {
      const number = requests++;
      if (number === 0) return void response.writeHead(503).end();
      if (number === 1) return void response.socket?.destroy();
      if (number === 2) {
        response.writeHead(200, { "content-length": String(CONTENT.length) });
        response.write(CONTENT.subarray(0, 1000), () => response.socket?.destroy());
        return;
      }
      response.end(CONTENT);
    });
    expect(await fetched(address)).toEqual(CONTENT);
    expect(requests).toBe(4);
    const away = await serve((_request, response) => void response.writeHead(500).end());
    expect((await fails(away)).message).toContain("answers 500");
  });

  it("looks in each repository that needs it", async () => {
    const address = await serve((request, response) => {
      if (request.url?.startsWith("/v2/c/")) response.end(CONTENT);
      else response.writeHead(404).end();
    });
    expect((await fails(address)).message).toContain("does not have");
    const wanted = { ...WANTED, repositories: ["a/b", "c/d"] };
    expect(await fetched(address, undefined, wanted)).toEqual(CONTENT);
    const source = new RegistrySource(reader(address));
    expect(await source.lookFor(WANTED, SIGNAL)).toBeUndefined();
    expect(await source.lookFor(wanted, SIGNAL)).toBeDefined();
  });

  it("gets a token with its user and password, and keeps it for the repository", async () => {
    const asked: string[] = [];
    const service = await serve((request, response) => {
      asked.push(`${request.url} ${basicOf(request)}`);
      response.end(JSON.stringify({ token: "tok.en" }));
    });
    let refused = 0;
    const address = await serve((request, response) => {
      if (request.headers.authorization === "Bearer tok.en") return void response.end(CONTENT);
      refused++;
      const challenge = `Bearer realm="${service}/auth?x=1",service="the service",scope="repository:a/b:pull"`;
      response.writeHead(401, { "WWW-Authenticate": challenge }).end();
    });
    const source = new RegistrySource(reader(address, { kind: "basic", user: "me", password: "p:w" }));
    const driver = new MemoryDriver();
    await source.lookFor(WANTED, SIGNAL);
    await source.copyTo(driver, PATH, WANTED, SIGNAL);
    expect(refused).toBe(1);
    expect(asked).toEqual(["/auth?x=1&service=the+service&scope=repository%3Aa%2Fb%3Apull me:p:w"]);
  });

  it("shows a token that it was given, and its user and password where these are asked for", async () => {
    const bearer = await serve((request, response) => {
      response.writeHead(request.headers.authorization === "Bearer secret" ? 200 : 401).end(CONTENT);
    });
    expect(await fetched(bearer, { kind: "bearer", token: "secret" })).toEqual(CONTENT);
    expect((await fails(bearer, { kind: "bearer", token: "other" })).message).toMatch(
      /does not let us pull from a\/b \(401\)$/,
    );
    const basic = await serve((request, response) => {
      if (basicOf(request) === "me:pw") return void response.end(CONTENT);
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
    });
    expect(await fetched(basic, { kind: "basic", user: "me", password: "pw" })).toEqual(CONTENT);
    expect((await fails(basic)).message).toContain("401");
  });

  it("takes its credentials nowhere else when it is redirected", async () => {
    const seen: (string | undefined)[] = [];
    const storage = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end(CONTENT);
    });
    const address = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(307, { location: `${storage}/blob?signature=1` }).end();
    });
    expect(await fetched(address, { kind: "bearer", token: "secret" })).toEqual(CONTENT);
    expect(seen).toEqual(["Bearer secret", undefined]);
    const circle = await serve(
      (request, response) => void response.writeHead(307, { location: request.url }).end(),
    );
    expect((await fails(circle)).message).toContain("redirects without end");
  });

  it("sends no password to a token service without TLS for a registry that has it", async () => {
    const credentials: Credentials = { kind: "basic", user: "me", password: "pw" };
    const realm = (text: string, address: string, shown?: Credentials): string =>
      realmOf(text, parseAddress(address), shown).href;
    for (const shown of [credentials, undefined]) {
      expect(() => realm("http://thief.example/", "https://registry.example", shown)).toThrow(
        "without TLS: thief.example",
      );
      expect(() => realm("http://registry.example/", "https://registry.example", shown)).toThrow(
        "without TLS",
      );
    }
    expect(() => realm("http://thief.example/", "http://registry.example", credentials)).toThrow(
      "without TLS",
    );
    expect(() => realm("ftp://registry.example/", "http://registry.example", credentials)).toThrow();
    expect(() => realm("http://127.0.0.1.thief.example/", "http://registry.example", credentials)).toThrow();
    expect(realm("http://thief.example/", "http://registry.example")).toBe("http://thief.example/");
    for (const good of ["http://registry.example:1/", "http://127.0.0.1:5/", "https://auth.example/"]) {
      expect(realm(good, "http://registry.example", credentials)).toBe(good);
    }
  });

  it("stops at once when it is asked to", async () => {
    const stop = new AbortController();
    const address = await serve((_request, response) => {
      response.writeHead(200, { "content-length": String(CONTENT.length) });
      response.write(CONTENT.subarray(0, 1000), () => stop.abort());
    });
    const driver = new MemoryDriver();
    const copying = new RegistrySource(reader(address)).copyTo(driver, PATH, WANTED, stop.signal);
    await expect(copying).rejects.toThrow(CancelledError);
    await expect(driver.stat(PATH)).rejects.toThrow("no such path");
  });

  it("never puts a secret into an error", async () => {
    const address = await serve(sends);
    expect(() => parseAddress(address.replace("://", "://me:hunter2@"))).toThrow(/no user and no password/);
    expect(() => parseAddress(address.replace("://", "://me:hunter2@"))).not.toThrow(/hunter2/);
    expect(() => parseAddress(`${address}/?token=hunter2`)).not.toThrow(/hunter2/);
    const service = await serve((_request, response) => void response.writeHead(403).end("hunter2"));
    const asks = await serve((_request, response) => {
      response.writeHead(401, { "WWW-Authenticate": `Bearer realm="${service}"` }).end();
    });
    const error = await fails(asks, { kind: "basic", user: "me", password: "hunter2" });
    expect(error.message).toContain("answers 403");
    expect(error.message).not.toContain("hunter2");
  });
});
