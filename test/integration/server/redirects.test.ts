import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, parseDigest } from "../../../src/oci/digest.ts";
import { blobDataPath, layerLinkPath } from "../../../src/registry/paths.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import type { PresignedReads } from "../../../src/storage/object-store-abilities.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { type Pushed, pushBlob, pushImage } from "../../support/push-image.ts";

const CONTENT = Buffer.from("0123456789");

class PresigningDriver extends MemoryDriver implements PresignedReads {
  /** What was asked for: path and time. */
  readonly asked: [path: string, expiresMs: number][] = [];

  async presignRead(path: string, expiresMs: number): Promise<string> {
    this.asked.push([path, expiresMs]);
    return `https://bucket.example:9000${path}?X-Amz-Signature=s`;
  }
}

interface Redirecting {
  server: InProcessServer;
  driver: PresigningDriver;
  blob: Pushed;
}

async function start(redirect: { enabled: boolean; expiryMs: number }): Promise<Redirecting> {
  const driver = new PresigningDriver();
  const server = await startInProcessServer({ driver, settings: { redirect } });
  return { server, driver, blob: await pushBlob(server.url, "a/b", CONTENT) };
}

function ask(
  { server, blob }: Redirecting,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Response> {
  const url = `${server.url}/v2/a/b/blobs/${blob.digest}`;
  return fetch(url, { method, headers, redirect: "manual" });
}

describe("a blob of a store that clients can read", () => {
  let on: Redirecting;

  beforeAll(async () => {
    on = await start({ enabled: true, expiryMs: 60_000 });
  });
  afterAll(() => on.server.close());

  it("is got at the store, at an address that is good for as long as is configured", async () => {
    const before = on.driver.asked.length;
    const response = await ask(on);
    expect(response.status).toBe(307);
    const path = blobDataPath(parseDigest(on.blob.digest));
    expect(response.headers.get("location")).toBe(`https://bucket.example:9000${path}?X-Amz-Signature=s`);
    expect(response.headers.get("docker-content-digest")).toBe(on.blob.digest);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toBe("");
    expect(on.driver.asked.slice(before)).toEqual([[path, 60_000]]);
  });

  it("is got there in part too: the client asks there for the same part", async () => {
    const response = await ask(on, { Range: "bytes=2-4" });
    expect(response.status).toBe(307);
    expect(response.headers.get("content-range")).toBeNull();
  });

  it("is got under the digest under which the Go registry has stored it", async () => {
    const digest = digestOf(CONTENT, "sha512");
    await on.driver.put(layerLinkPath("a/b", digest), Buffer.from(on.blob.digest));
    const response = await fetch(`${on.server.url}/v2/a/b/blobs/${digest}`, { redirect: "manual" });
    expect(response.status).toBe(307);
    expect(response.headers.get("location")).toContain(blobDataPath(parseDigest(on.blob.digest)));
  });

  it("is told of by HEAD here, as an address is good for GET only", async () => {
    const response = await ask(on, {}, "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("10");
    expect(response.headers.get("location")).toBeNull();
  });

  it("needs no address for a client that has it", async () => {
    expect((await ask(on, { "If-None-Match": `"${on.blob.digest}"` })).status).toBe(304);
  });

  it("has no address if it does not exist, or not in the repository", async () => {
    const before = on.driver.asked.length;
    for (const path of [`a/b/blobs/sha256:${"0".repeat(64)}`, `other/blobs/${on.blob.digest}`]) {
      const response = await fetch(`${on.server.url}/v2/${path}`, { redirect: "manual" });
      expect(response.status).toBe(404);
    }
    expect(on.driver.asked).toHaveLength(before);
  });

  it("is protected from a collection, since the client goes on to get it", async () => {
    const { leased } = on.server.coordination;
    leased.clear();
    await ask(on);
    expect(leased).toContain(on.blob.digest);
  });

  it("passes through the registry where redirects are disabled", async () => {
    const off = await start({ enabled: false, expiryMs: 60_000 });
    try {
      const response = await ask(off, { Range: "bytes=2-4" });
      expect(response.status).toBe(206);
      expect(await response.text()).toBe("234");
      expect(off.driver.asked).toEqual([]);
    } finally {
      await off.server.close();
    }
  });

  it("leaves manifests to the registry", async () => {
    const { digest } = await pushImage(on.server.url, "a/b", "image", "v1");
    const response = await fetch(`${on.server.url}/v2/a/b/manifests/${digest}`, { redirect: "manual" });
    expect(response.status).toBe(200);
  });
});
