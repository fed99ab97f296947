import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm, truncate } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blobDataPath } from "../../../src/registry/paths.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { type Pushed, pushBlob } from "../../support/push-image.ts";

const KIB = 1024;
let folder: string;
let server: InProcessServer;
let blob: Pushed;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-streaming-"));
  server = await startInProcessServer({ driver: new FilesystemDriver({ rootDirectory: folder }) });
  const block = createHash("sha512").update("seed").digest();
  const content = Buffer.alloc(3 * 1024 * KIB + 17, block);
  for (let at = 0; at < content.length; at += 4096)
    content.writeUInt32LE(at, Math.min(at, content.length - 4));
  blob = await pushBlob(server.url, "a", content);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function download(range?: string): Promise<Buffer> {
  const headers: Record<string, string> = range === undefined ? {} : { Range: range };
  const response = await fetch(`${server.url}/v2/a/blobs/${blob.digest}`, { headers });
  return Buffer.from(await response.arrayBuffer());
}

/** Files of the store that this process has open, where the system tells. */
async function openBlobs(): Promise<string[]> {
  const descriptors = await readdir("/proc/self/fd").catch(() => []);
  const targets = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/self/fd/${descriptor}`).catch(() => "")),
  );
  return targets.filter((target) => target.startsWith(folder));
}

describe("downloads from a file system", () => {
  it("are whole and right, with more at a time than there are large buffers", async () => {
    const bodies = await Promise.all(Array.from({ length: 40 }, () => download()));
    expect(bodies.every((body) => body.equals(blob.bytes))).toBe(true);
  });

  it.each([
    [0, 1],
    [512 * KIB - 1, 512 * KIB + 1],
    [512 * KIB, 1024 * KIB],
    [1, 3 * 1024 * KIB],
    [3 * 1024 * KIB, 3 * 1024 * KIB + 17],
  ])("send the range from %i to %i", async (start, end) => {
    const body = await download(`bytes=${start}-${end - 1}`);
    expect(body.equals(blob.bytes.subarray(start, end))).toBe(true);
  });

  it("are not continued by the answer to a broken request", async () => {
    const large = await pushBlob(server.url, "a", Buffer.alloc(40 * 1024 * KIB));
    const socket = connect(server.port, "127.0.0.1");
    socket.write(`GET /v2/a/blobs/${large.digest} HTTP/1.1\r\nHost: r.example\r\n\r\n`);
    await once(socket, "readable");
    socket.write("this is not HTTP\r\n\r\n");
    await expect.poll(() => server.control.requestsInFlight()).toBe(0);
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("error", () => undefined);
    if (!socket.closed) await once(socket, "close");
    const received = Buffer.concat(parts).toString("latin1");
    expect(received).toMatch(/^HTTP\/1\.1 200 /);
    expect(received).not.toContain("400 Bad Request");
  });

  it("close the file at once when the client leaves", async () => {
    const large = await pushBlob(server.url, "a", Buffer.alloc(40 * 1024 * KIB));
    await expect.poll(openBlobs).toEqual([]);
    const request = httpRequest(`${server.url}/v2/a/blobs/${large.digest}`, (response) => {
      response.once("data", () => response.pause());
      response.on("error", () => undefined);
    });
    request.on("error", () => undefined);
    request.end();
    if (process.platform === "linux") await expect.poll(openBlobs).toHaveLength(1);
    request.destroy();
    await expect.poll(openBlobs).toEqual([]);
    await expect.poll(() => server.control.requestsInFlight()).toBe(0);
  });

  it("close the connection if the file is shorter than it was", async () => {
    const cut = await pushBlob(server.url, "a", Buffer.alloc(30 * 1024 * KIB));
    const failed = await new Promise((resolve) => {
      const request = httpRequest(`${server.url}/v2/a/blobs/${cut.digest}`, (response) => {
        response.pause();
        void truncate(join(folder, blobDataPath(cut.digest)), 1024).then(() => response.resume());
        response.on("error", () => resolve("broken off"));
        response.on("end", () => resolve("whole"));
      });
      request.on("error", () => resolve("broken off"));
      request.end();
    });
    expect(failed).toBe("broken off");
    await expect.poll(() => server.logged).toContainEqual(expect.objectContaining({ level: "error" }));
  });

  it("answer 304 and HEAD without opening the file", async () => {
    const headers = { "If-None-Match": `"${blob.digest}"` };
    expect((await fetch(`${server.url}/v2/a/blobs/${blob.digest}`, { headers })).status).toBe(304);
    const head = await fetch(`${server.url}/v2/a/blobs/${blob.digest}`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String(blob.bytes.length));
    expect(await openBlobs()).toEqual([]);
  });
});
