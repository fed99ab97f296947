import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { countDriver } from "../../../src/storage/wrappers/count/count-driver.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { pushBlob } from "../../support/push-image.ts";

let server: InProcessServer;
let serial = 0;

beforeAll(async () => {
  server = await startInProcessServer();
});
afterAll(() => server.close());

/** Content that no other test pushes. */
function fresh(length = 300): Buffer {
  serial++;
  return Buffer.alloc(length, `content ${serial} `);
}

async function start(query = ""): Promise<{ url: string; response: Response }> {
  const response = await fetch(`${server.url}/v2/up/repo/blobs/uploads/${query}`, { method: "POST" });
  return { url: new URL(response.headers.get("location") ?? "", server.url).href, response };
}

function withDigest(url: string, digest: string): string {
  const target = new URL(url);
  target.searchParams.set("digest", digest);
  return target.href;
}

function patch(url: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: "PATCH",
    body,
    headers: { "Content-Type": "application/octet-stream", ...headers },
  });
}

async function stored(digest: string, name = "up/repo"): Promise<Buffer | undefined> {
  const response = await fetch(`${server.url}/v2/${name}/blobs/${digest}`);
  return response.status === 200 ? Buffer.from(await response.arrayBuffer()) : undefined;
}

describe("starting an upload", () => {
  it("tells where to send the bytes", async () => {
    const { url, response } = await start();
    expect(response.status).toBe(202);
    expect(response.headers.get("range")).toBe("0-0");
    expect(response.headers.get("content-length")).toBe("0");
    const uuid = response.headers.get("docker-upload-uuid") ?? "";
    expect(url.startsWith(`${server.url}/v2/up/repo/blobs/uploads/${uuid}?_state=`)).toBe(true);
  });

  it("works without the final slash", async () => {
    const response = await fetch(`${server.url}/v2/up/repo/blobs/uploads`, { method: "POST" });
    expect(response.status).toBe(202);
  });

  it("takes a whole blob in one request", async () => {
    const content = fresh();
    const digest = digestOf(content);
    const url = `${server.url}/v2/up/repo/blobs/uploads/?digest=${digest}`;
    const response = await fetch(url, { method: "POST", body: content });
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(`${server.url}/v2/up/repo/blobs/${digest}`);
    expect(response.headers.get("docker-content-digest")).toBe(digest);
    expect(await stored(digest)).toEqual(content);
  });

  it("hashes a whole blob while it comes, with whatever algorithm its digest names", async () => {
    const { driver, counts } = countDriver(new MemoryDriver());
    const counted = await startInProcessServer({ driver });
    const bytes = fresh();
    const digest = digestOf(bytes, "sha512");
    const url = `${counted.url}/v2/a/blobs/uploads/?digest=${digest}`;
    const response = await fetch(url, { method: "POST", body: bytes });
    await counted.close();
    expect(response.status).toBe(201);
    expect(counts.calls.read ?? 0).toBe(0);
  });

  it("stores nothing under a digest that one request's bytes do not have", async () => {
    const digest = digestOf(fresh());
    const url = `${server.url}/v2/up/repo/blobs/uploads/?digest=${digest}`;
    const response = await fetch(url, { method: "POST", body: "other bytes" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ code: "DIGEST_INVALID" }] });
    expect(await stored(digest)).toBeUndefined();
  });

  it("refuses an algorithm that it cannot compute", async () => {
    const { response } = await start("?digest-algorithm=blake3");
    expect(response.status).toBe(400);
  });
});

describe("uploading", () => {
  it("takes all in the final PUT", async () => {
    const content = fresh();
    const { url } = await start();
    const response = await fetch(withDigest(url, digestOf(content)), { method: "PUT", body: content });
    expect(response.status).toBe(201);
    expect(await stored(digestOf(content))).toEqual(content);
  });

  it("takes a stream, then an empty PUT", async () => {
    const content = fresh(200_000);
    const { url } = await start();
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < content.length; at += 7000) controller.enqueue(content.subarray(at, at + 7000));
        controller.close();
      },
    });
    const init = { method: "PATCH", body, duplex: "half" } as RequestInit;
    const patched = await fetch(url, init);
    expect(patched.status).toBe(202);
    expect(patched.headers.get("range")).toBe("0-199999");
    const next = new URL(patched.headers.get("location") ?? "", server.url).href;
    expect((await fetch(withDigest(next, digestOf(content)), { method: "PUT" })).status).toBe(201);
    expect((await stored(digestOf(content)))?.equals(content)).toBe(true);
  });

  it("takes chunks in order, the last one in the PUT", async () => {
    const content = fresh(300);
    const { url } = await start();
    const first = await patch(url, content.subarray(0, 100), { "Content-Range": "0-99" });
    expect(first.status).toBe(202);
    expect(first.headers.get("range")).toBe("0-99");
    const second = await patch(url, content.subarray(100, 200), { "Content-Range": "100-199" });
    expect(second.headers.get("range")).toBe("0-199");
    const last = await fetch(withDigest(url, digestOf(content)), {
      method: "PUT",
      body: content.subarray(200),
      headers: { "Content-Range": "200-299" },
    });
    expect(last.status).toBe(201);
    expect(await stored(digestOf(content))).toEqual(content);
  });

  it("refuses a chunk out of order and tells where to go on", async () => {
    const content = fresh(200);
    const { url, response } = await start();
    await patch(url, content.subarray(0, 100), { "Content-Range": "0-99" });
    const wrong = await patch(url, content.subarray(150), { "Content-Range": "150-199" });
    expect(wrong.status).toBe(416);
    expect(wrong.headers.get("range")).toBe("0-99");
    expect(wrong.headers.get("docker-upload-uuid")).toBe(response.headers.get("docker-upload-uuid"));
    expect(wrong.headers.get("location")).toContain("/v2/up/repo/blobs/uploads/");
    const status = await fetch(url);
    expect(status.status).toBe(204);
    expect(status.headers.get("range")).toBe("0-99");
    const again = await patch(url, content.subarray(100), { "Content-Range": "100-199" });
    expect(again.status).toBe(202);
    expect((await fetch(withDigest(url, digestOf(content)), { method: "PUT" })).status).toBe(201);
  });

  it.each(["abc", "5-2", "0-", "bytes"])("refuses the Content-Range %s", async (range) => {
    const { url } = await start();
    expect((await patch(url, "x", { "Content-Range": range })).status).toBe(416);
    expect((await fetch(url)).headers.get("range")).toBe("0-0");
  });

  it("refuses a chunk that is not as long as its Content-Range", async () => {
    const { url } = await start();
    const response = await patch(url, "12345", { "Content-Range": "0-9" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ code: "SIZE_INVALID" }] });
    expect((await patch(url, "12345", { "Content-Range": "0-4" })).status).toBe(202);
  });

  it("stores nothing beyond the Content-Range of a stream", async () => {
    const { url } = await start();
    const body = new Blob(["0123456789"]).stream();
    const init = {
      method: "PATCH",
      body,
      duplex: "half",
      headers: { "Content-Range": "0-4" },
    } as RequestInit;
    expect((await fetch(url, init)).status).toBe(400);
    expect((await fetch(url)).headers.get("range")).toBe("0-0");
  });

  it("refuses a digest that the bytes do not have", async () => {
    const { url } = await start();
    const response = await fetch(withDigest(url, digestOf(fresh())), { method: "PUT", body: "other" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ code: "DIGEST_INVALID" }] });
  });

  it.each(["", "?digest=sha256:bad", "?digest=sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"])(
    "refuses to finish with the digest of %s",
    async (query) => {
      const { url } = await start();
      const target = new URL(url);
      target.search = query;
      const response = await fetch(target, { method: "PUT", body: "x" });
      expect(response.status).toBe(400);
      expect((await fetch(url)).status).toBe(204);
    },
  );

  it("stores under a SHA-512 digest, announced or not", async () => {
    for (const query of ["?digest-algorithm=sha512", ""]) {
      const content = fresh();
      const digest = digestOf(content, "sha512");
      const { url } = await start(query);
      await patch(url, content);
      const response = await fetch(withDigest(url, digest), { method: "PUT" });
      expect(response.status).toBe(201);
      expect(response.headers.get("docker-content-digest")).toBe(digest);
      expect(await stored(digest)).toEqual(content);
    }
  });

  it("goes on without state, and with that of a Go registry, but not with that of another upload", async () => {
    const { url } = await start();
    const bare = new URL(url);
    bare.search = "";
    expect((await patch(bare.href, "a")).status).toBe(202);
    bare.search = "?_state=QWxhZGRpbjpvcGVuIHNlc2FtZQ%3D%3D";
    expect((await patch(bare.href, "b")).status).toBe(202);
    const other = new URL((await start()).url);
    bare.search = other.search;
    const refused = await patch(bare.href, "c");
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ errors: [{ code: "BLOB_UPLOAD_INVALID" }] });
  });

  it("knows no upload under another repository or another id", async () => {
    const { url } = await start();
    const elsewhere = new URL(url.replace("/up/repo/", "/up/other/"));
    elsewhere.search = "";
    expect((await patch(elsewhere.href, "a")).status).toBe(404);
    for (const id of ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "..", "x", "%2e%2e"]) {
      const response = await fetch(`${server.url}/v2/up/repo/blobs/uploads/${id}`);
      expect([400, 404], id).toContain(response.status);
    }
  });

  it("lets one request at a time write an upload", async () => {
    const { url } = await start();
    const chunks = Array.from({ length: 8 }, (_, index) => Buffer.alloc(40_000, `${index}`));
    const answers = await Promise.all(chunks.map((chunk) => patch(url, chunk)));
    expect(answers.map((answer) => answer.status)).toEqual(chunks.map(() => 202));
    const ends = answers.map((answer) => answer.headers.get("range")).sort();
    expect(new Set(ends).size).toBe(chunks.length);
    expect((await fetch(url)).headers.get("range")).toBe("0-319999");
  });

  it("pins the digest before it finishes", async () => {
    const content = fresh();
    const digest = digestOf(content);
    const { url } = await start();
    await patch(url, content);
    let bytesWhenPinned: number | undefined;
    server.coordination.onPin = async (keys) => {
      if (!keys.includes(digest)) return;
      bytesWhenPinned = (await server.registry.repository("up/repo").blobs.sizeBytes(digest)) ?? 0;
    };
    const response = await fetch(withDigest(url, digest), { method: "PUT" });
    server.coordination.onPin = () => undefined;
    expect(response.status).toBe(201);
    expect(bytesWhenPinned).toBe(0);
    expect(server.coordination.leased).toContain(`up/repo@${digest}`);
  });
});

describe("cancelling an upload", () => {
  it("removes it", async () => {
    const { url } = await start();
    await patch(url, "abc");
    expect((await fetch(url, { method: "DELETE" })).status).toBe(204);
    expect((await fetch(url)).status).toBe(404);
    const again = await fetch(url, { method: "DELETE" });
    expect(again.status).toBe(404);
    expect(await again.json()).toMatchObject({ errors: [{ code: "BLOB_UPLOAD_UNKNOWN" }] });
  });
});

describe("mounting", () => {
  it("takes a blob from another repository", async () => {
    const blob = await pushBlob(server.url, "mount/source", fresh());
    const { response } = await start(`?mount=${blob.digest}&from=mount/source`);
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(`${server.url}/v2/up/repo/blobs/${blob.digest}`);
    expect(response.headers.get("docker-content-digest")).toBe(blob.digest);
    expect(await stored(blob.digest)).toEqual(blob.bytes);
    expect(server.coordination.everPinned).toContain(`mount/source@${blob.digest}`);
    expect(server.coordination.leased).toContain(`up/repo@${blob.digest}`);
  });

  it("takes a blob from anywhere if no repository is named", async () => {
    const blob = await pushBlob(server.url, "mount/source", fresh());
    const { response } = await start(`?mount=${blob.digest}`);
    expect(response.status).toBe(201);
    expect(await stored(blob.digest)).toEqual(blob.bytes);
  });

  it("begins an upload that works where there is nothing to mount", async () => {
    const content = fresh();
    const digest = digestOf(content);
    for (const query of [
      `?mount=${digest}&from=mount/source`,
      `?mount=${digest}&from=Bad//Name`,
      `?mount=${digest}`,
    ]) {
      const { response, url } = await start(query);
      expect(response.status).toBe(202);
      expect((await patch(url, "x")).status).toBe(202);
    }
  });

  it("does not take a blob from a repository that lacks it", async () => {
    const blob = await pushBlob(server.url, "mount/source", fresh());
    const { response } = await start(`?mount=${blob.digest}&from=mount/other`);
    expect(response.status).toBe(202);
    expect(await stored(blob.digest)).toBeUndefined();
  });

  it("refuses a digest that is none", async () => {
    expect((await start("?mount=sha256:bad&from=mount/source")).response.status).toBe(400);
  });
});
