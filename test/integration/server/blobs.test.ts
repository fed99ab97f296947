import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { type Pushed, pushBlob } from "../../support/push-image.ts";

let server: InProcessServer;
let blob: Pushed;
const CONTENT = Buffer.from(Array.from({ length: 6000 }, (_, index) => index % 251));

beforeAll(async () => {
  server = await startInProcessServer();
  blob = await pushBlob(server.url, "some/repo", CONTENT);
});
afterAll(() => server.close());

function get(headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  return fetch(`${server.url}/v2/some/repo/blobs/${blob.digest}`, { method, headers });
}

async function bodyOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

describe("GET of a blob", () => {
  it("sends the bytes with digest, tag and length", async () => {
    const response = await get();
    expect(response.status).toBe(200);
    expect(await bodyOf(response)).toEqual(CONTENT);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-length": "6000",
      "content-type": "application/octet-stream",
      "docker-content-digest": blob.digest,
      "docker-distribution-api-version": "registry/2.0",
      "accept-ranges": "bytes",
      etag: `"${blob.digest}"`,
    });
  });

  it("tells the same by HEAD", async () => {
    const response = await get({}, "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("6000");
    expect(response.headers.get("docker-content-digest")).toBe(blob.digest);
    expect(await response.text()).toBe("");
  });

  it("answers 304 to a client that has it", async () => {
    for (const method of ["GET", "HEAD"]) {
      const response = await get({ "If-None-Match": `"${blob.digest}"` }, method);
      expect(response.status).toBe(304);
      expect(response.headers.get("etag")).toBe(`"${blob.digest}"`);
    }
    expect((await get({ "If-None-Match": '"other"' })).status).toBe(200);
  });

  it.each([
    ["bytes=500-1499", 500, 1500],
    ["bytes=500-", 500, 6000],
    ["bytes=-500", 5500, 6000],
    ["bytes=2000-9000", 2000, 6000],
    ["bytes=0-0", 0, 1],
  ])("sends %s", async (range, start, end) => {
    const response = await get({ Range: range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/6000`);
    expect(response.headers.get("content-length")).toBe(String(end - start));
    expect(await bodyOf(response)).toEqual(CONTENT.subarray(start, end));
  });

  it("answers 416 with the size to a range beyond the end", async () => {
    const response = await get({ Range: "bytes=6000-" });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe("bytes */6000");
    expect(await response.json()).toMatchObject({ errors: [{ code: "RANGE_INVALID" }] });
  });

  it("sends the whole for several ranges, and where If-Range names another version", async () => {
    expect((await get({ Range: "bytes=0-1,5-6" })).status).toBe(200);
    expect((await get({ Range: "bytes=0-1", "If-Range": '"other"' })).status).toBe(200);
    expect((await get({ Range: "bytes=0-1", "If-Range": `"${blob.digest}"` })).status).toBe(206);
  });

  it("serves the empty blob", async () => {
    const empty = await pushBlob(server.url, "some/repo", "");
    const response = await fetch(`${server.url}/v2/some/repo/blobs/${empty.digest}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("0");
    expect(await response.text()).toBe("");
  });

  it("knows a blob only in the repositories that have it", async () => {
    const response = await fetch(`${server.url}/v2/other/blobs/${blob.digest}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ errors: [{ code: "BLOB_UNKNOWN" }] });
    const head = await fetch(`${server.url}/v2/other/blobs/${blob.digest}`, { method: "HEAD" });
    expect(head.status).toBe(404);
    expect(await head.text()).toBe("");
  });

  it.each(["sha256:xyz", "md5:d41d8cd98f00b204e9800998ecf8427e", "latest", `sha256:${"A".repeat(64)}`])(
    "refuses the digest %s",
    async (digest) => {
      const response = await fetch(`${server.url}/v2/some/repo/blobs/${digest}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ errors: [{ code: "DIGEST_INVALID" }] });
    },
  );

  it("pins while it answers, and leases what it told of", async () => {
    const key = `some/repo@${blob.digest}`;
    server.coordination.everPinned.clear();
    server.coordination.leased.clear();
    await bodyOf(await get());
    expect(server.coordination.everPinned).toContain(key);
    expect(server.coordination.everPinned).toContain(blob.digest);
    expect(server.coordination.leased).toContain(key);
    await expect.poll(() => server.coordination.pinned).toEqual([]);
  });

  it("leases nothing that does not exist", async () => {
    const digest = digestOf(Buffer.from("never pushed"));
    await fetch(`${server.url}/v2/some/repo/blobs/${digest}`, { method: "HEAD" });
    expect(server.coordination.leased).not.toContain(digest);
  });
});

describe("DELETE of a blob", () => {
  it("takes it out of the repository, and only there", async () => {
    const doomed = await pushBlob(server.url, "del/one", "doomed");
    await pushBlob(server.url, "del/two", "doomed");
    const url = `${server.url}/v2/del/one/blobs/${doomed.digest}`;
    expect((await fetch(url, { method: "DELETE" })).status).toBe(202);
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(404);
    expect((await fetch(`${server.url}/v2/del/two/blobs/${doomed.digest}`)).status).toBe(200);
  });
});
