import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { StorageFullError, StorageUnavailableError } from "../../../src/errors.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import type { FileWriter } from "../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { imageManifest, pushBlob, pushImage, putManifest } from "../../support/push-image.ts";
import { serverOfTest } from "../../support/server-of-test.ts";

/** A store that fails when it is told to. */
class FailingDriver extends MemoryDriver {
  failure: Error | undefined;
  /** Awaited before each small write. */
  beforePut: () => Promise<void> = () => Promise.resolve();

  override async put(path: string, content: Uint8Array): Promise<void> {
    await this.beforePut();
    if (this.failure) throw this.failure;
    await super.put(path, content);
  }

  override async openWriter(...args: Parameters<MemoryDriver["openWriter"]>): Promise<FileWriter> {
    const writer = await super.openWriter(...args);
    const write = writer.write.bind(writer);
    writer.write = async (chunk) => {
      if (this.failure) throw this.failure;
      await write(chunk);
    };
    return writer;
  }
}

async function errorOf(response: Response): Promise<unknown> {
  const body = (await response.json()) as { errors: unknown[] };
  return body.errors[0];
}

describe("a store that fails", () => {
  it("reports a full disk, and the upload can go on when there is room again", async () => {
    const driver = new FailingDriver();
    const server = await serverOfTest({ driver });
    const start = await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: "POST" });
    const location = new URL(start.headers.get("location") ?? "");
    driver.failure = new StorageFullError("no room in /srv/registry");
    const full = await fetch(location, { method: "PATCH", body: "bytes" });
    expect(full.status).toBe(507);
    const error = await errorOf(full);
    expect(error).toMatchObject({ code: "UNKNOWN", message: expect.stringContaining("no space left") });
    expect(JSON.stringify(error)).not.toContain("/srv");
    expect(server.logged).toContainEqual(expect.objectContaining({ level: "error" }));
    driver.failure = undefined;
    expect((await fetch(location)).headers.get("range")).toBe("0-0");
    expect((await fetch(location, { method: "PATCH", body: "bytes" })).status).toBe(202);
    location.searchParams.set("digest", digestOf(Buffer.from("bytes")));
    expect((await fetch(location, { method: "PUT" })).status).toBe(201);
  });

  it("asks clients to come back when the store does not answer", async () => {
    const driver = new FailingDriver();
    const server = await serverOfTest({ driver });
    driver.failure = new StorageUnavailableError("timeout");
    const response = await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: "POST" });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
  });

  it("names the denied path in the log, and not to the client", async () => {
    const driver = new FailingDriver();
    const server = await serverOfTest({ driver });
    const cause = Object.assign(new Error("EACCES: permission denied, open '/srv/x'"), { code: "EACCES" });
    driver.failure = new StorageUnavailableError("writing /srv/x was denied", { cause });
    const response = await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: "POST" });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("/srv/x");
    expect(JSON.stringify(server.logged)).toContain("/srv/x");
  });

  it("does not tag what it could not store", async () => {
    const driver = new FailingDriver();
    const server = await serverOfTest({ driver });
    const config = await pushBlob(server.url, "a", "{}");
    driver.failure = new StorageFullError("full");
    expect((await putManifest(server.url, "a", "t", imageManifest(config, []))).status).toBe(507);
    driver.failure = undefined;
    expect((await fetch(`${server.url}/v2/a/manifests/t`)).status).toBe(404);
  });
});

describe("a client that goes away", () => {
  it("does not take the pins from a manifest that is still being stored", async () => {
    const driver = new FailingDriver();
    const server = await serverOfTest({ driver });
    const config = await pushBlob(server.url, "a", "{}");
    const body = JSON.stringify(imageManifest(config, []));
    let goOn: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    driver.beforePut = () => stuck;
    const request = httpRequest(`${server.url}/v2/a/manifests/t`, { method: "PUT" });
    request.on("error", () => undefined);
    request.end(body);
    const key = `a@${config.digest}`;
    await expect.poll(() => server.coordination.pinned).toContain(key);
    server.accessLines.length = 0;
    request.destroy();
    await expect.poll(() => server.accessLines.length).toBe(1);
    expect(server.coordination.pinned).toContain(key);
    expect(server.control.requestsInFlight()).toBe(1);
    goOn();
    await expect.poll(() => server.coordination.pinned).toEqual([]);
    expect(server.coordination.leased).toContain(key);
    expect((await fetch(`${server.url}/v2/a/manifests/t`)).status).toBe(200);
  });

  it("frees everything when it leaves in the middle of a download", async () => {
    const server = await serverOfTest();
    const blob = await pushBlob(server.url, "a", Buffer.alloc(20 * 1024 * 1024));
    const request = httpRequest(`${server.url}/v2/a/blobs/${blob.digest}`, (response) => {
      response.once("data", () => request.destroy());
      response.on("error", () => undefined);
    });
    request.on("error", () => undefined);
    request.end();
    await expect.poll(() => server.coordination.leased).toContain(`a@${blob.digest}`);
    await expect.poll(() => server.control.requestsInFlight()).toBe(0);
    expect(server.coordination.pinned).toEqual([]);
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("ends requests that wait behind another on the same connection", async () => {
    const server = await serverOfTest();
    const blob = await pushBlob(server.url, "a", Buffer.alloc(20 * 1024 * 1024));
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.pause();
    const get = `GET /v2/a/blobs/${blob.digest} HTTP/1.1\r\nHost: x\r\n\r\n`;
    socket.write(get.repeat(3));
    await expect.poll(() => server.control.requestsInFlight()).toBe(3);
    socket.destroy();
    await expect.poll(() => server.control.requestsInFlight()).toBe(0);
    expect(server.coordination.pinned).toEqual([]);
  });
});

describe("many connections that do nothing", () => {
  it("do not keep others from being served", async () => {
    const server = await serverOfTest();
    await pushImage(server.url, "a", "x", "latest");
    const idle = Array.from({ length: 400 }, (_, index) => {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => undefined);
      if (index % 2 === 0)
        socket.write("PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
      return socket;
    });
    await expect.poll(() => server.control.requestsInFlight(), { timeout: 60_000 }).toBe(200);
    expect((await fetch(`${server.url}/v2/a/manifests/latest`)).status).toBe(200);
    await pushImage(server.url, "a", "y", "other");
    for (const socket of idle) socket.destroy();
    await expect.poll(() => server.control.requestsInFlight()).toBe(0);
  });
});
