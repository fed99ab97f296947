import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type ProbeResult, probeWrites } from "../../../src/client/write-probe.ts";

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(answer: RequestListener, at: { path?: string } = {}): Promise<string> {
  const server = createServer(answer);
  const where = at.path === undefined ? { host: "127.0.0.1", port: 0 } : { path: at.path };
  await new Promise<void>((resolve) => server.listen(where, resolve));
  closers.push(() => new Promise((resolve) => server.close(() => resolve())));
  return at.path ?? `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function registryAnswer(status: number, body = "", allow?: string): RequestListener {
  return (_request, response) => {
    const headers = { "Docker-Distribution-Api-Version": "registry/2.0" };
    response.writeHead(status, allow === undefined ? headers : { ...headers, Allow: allow });
    response.end(body);
  };
}

/** As the Go registry 2.8 answers in read-only mode. */
const goReadOnly = registryAnswer(405, "Method not allowed\n", "GET, HEAD");

function probe(addr: string, net: "tcp" | "unix" = "tcp"): Promise<ProbeResult> {
  return probeWrites({ addr, net, prefix: "/", tls: false });
}

describe("probeWrites", () => {
  it("takes a registry's 405 as proof", async () => {
    expect(await probe(await serve(goReadOnly))).toEqual({ kind: "read-only" });
    const ours = registryAnswer(405, '{"errors":[{"code":"UNSUPPORTED","message":"read-only"}]}');
    expect(await probe(await serve(ours))).toEqual({ kind: "read-only" });
  });

  it.each([
    ["a proxy that adds the registry's header to its own answers", undefined],
    ["a registry that takes manifests", "GET, HEAD, PUT"],
  ])("does not take the 405 of %s", async (_, allow) => {
    const addr = await serve(registryAnswer(405, "<html>405 Not Allowed</html>", allow));
    expect(await probe(addr)).toEqual({ kind: "other", answer: "405, but not by a registry" });
  });

  it("does not take anybody else's 405", async () => {
    const addr = await serve((_request, response) => void response.writeHead(405).end());
    expect(await probe(addr)).toEqual({ kind: "other", answer: "405, but not by a registry" });
  });

  it("finds a registry that takes writes by its complaint", async () => {
    const addr = await serve(registryAnswer(400, '{"errors":[{"code":"MANIFEST_INVALID"}]}'));
    expect(await probe(addr)).toEqual({ kind: "other", answer: "400: it takes writes", takesWrites: true });
  });

  it("takes 401 for no proof", async () => {
    const addr = await serve(registryAnswer(401));
    expect(await probe(addr)).toEqual({ kind: "other", answer: "401 Unauthorized" });
  });

  it("sends a whole request below the prefix that no registry accepts", async () => {
    const seen: unknown[] = [];
    const addr = await serve((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += String(chunk);
      });
      request.on("end", () => {
        seen.push(request.method, request.url, request.headers["content-length"], body);
        goReadOnly(request, response);
      });
    });
    await probeWrites({ addr, net: "tcp", prefix: "/registry/", tls: false });
    expect(seen).toEqual(["PUT", "/registry/v2/registry-ctl/write-probe/manifests/probe", "2", "{}"]);
  });

  it("finds nobody at a closed port, on this machine's addresses too", async () => {
    const addr = await serve(goReadOnly);
    for (const close of closers.splice(0)) await close();
    expect(await probe(addr)).toEqual({ kind: "nobody" });
    expect(await probe(addr.replace("127.0.0.1", ""))).toEqual({ kind: "nobody" });
  });

  it("asks this machine where the address names no host", async () => {
    const addr = await serve(goReadOnly);
    expect(await probe(addr.replace("127.0.0.1", ""))).toEqual({ kind: "read-only" });
  });

  it("takes a connection that breaks for no proof", async () => {
    const addr = await serve((request) => void request.socket.destroy());
    expect(await probe(addr)).toMatchObject({ kind: "other" });
  });

  it("asks over a socket in the file system, and finds nobody where there is none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "registry-ctl-probe-"));
    closers.push(() => rm(folder, { recursive: true }));
    const path = join(folder, "socket");
    expect(await probe(path, "unix")).toEqual({ kind: "nobody" });
    await serve(goReadOnly, { path });
    expect(await probe(path, "unix")).toEqual({ kind: "read-only" });
  });
});
