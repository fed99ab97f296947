import { describe, expect, it } from "vitest";
import type { Digest } from "../../../src/oci/digest.ts";
import { revisionLinkPath, tagCurrentLinkPath, tagPath } from "../../../src/registry/paths.ts";
import type { AuditRecord } from "../../../src/state/audit-record.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import type { InProcessOptions, InProcessServer } from "../../support/in-process-server.ts";
import { imageManifest, pushBlob, pushImage, pushManifest, putManifest } from "../../support/push-image.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { everythingIn, StubAccess } from "../../support/stub-access.ts";

type Told = Omit<AuditRecord, "schemaVersion" | "time">;

async function audited(options: InProcessOptions = {}): Promise<{ server: InProcessServer; told: Told[] }> {
  const told: Told[] = [];
  const server = await serverOfTest({ ...options, audit: { append: (record) => void told.push(record) } });
  return { server, told };
}

const CLIENT = { address: "127.0.0.1", userAgent: "node" };

describe("the audit of a server", () => {
  it("tells of a tag that is overwritten, with both digests, and of no new tag or pushed-again manifest", async () => {
    const { server, told } = await audited();
    const old = await pushImage(server.url, "a/b", "old", "v1");
    await pushImage(server.url, "a/b", "old", "v1");
    await pushImage(server.url, "a/b", "old", "v2");
    expect(told).toEqual([]);
    const next = await pushImage(server.url, "a/b", "next", "v1");
    expect(told).toEqual([
      {
        action: "tag-overwrite",
        repository: "a/b",
        tag: "v1",
        before: old.digest,
        after: next.digest,
        ...CLIENT,
      },
    ]);
  });

  it("tells of each tag that one push sets", async () => {
    const { server, told } = await audited();
    const old = await pushImage(server.url, "a", "old", "v1");
    const config = await pushBlob(server.url, "a", "{}");
    const manifest = imageManifest(config, []);
    const { digest } = await pushManifest(server.url, "a", manifest);
    const answer = await putManifest(server.url, "a", `${digest}?tag=v1&tag=v2`, manifest);
    expect(answer.status).toBe(201);
    expect(told).toMatchObject([{ tag: "v1", before: old.digest, after: digest }]);
  });

  it.each(["v2/a/b/manifests/v1", "v2/a/b/tags/reference/v1"])(
    "tells of a tag that is deleted by DELETE /%s, so that it can be set again",
    async (path) => {
      const { server, told } = await audited();
      const { digest } = await pushImage(server.url, "a/b", "x", "v1");
      expect((await fetch(`${server.url}/${path}`, { method: "DELETE" })).status).toBe(202);
      expect(told).toEqual([
        { action: "tag-delete", repository: "a/b", tag: "v1", before: digest, ...CLIENT },
      ]);
      expect((await fetch(`${server.url}/${path}`, { method: "DELETE" })).status).toBe(404);
      expect(told).toHaveLength(1);
    },
  );

  it("tells of a manifest that is deleted, and of the tags that went with it", async () => {
    const { server, told } = await audited();
    const { digest } = await pushImage(server.url, "a/b", "x", "v1");
    await pushImage(server.url, "a/b", "x", "v2");
    await pushImage(server.url, "a/b", "other", "v3");
    const path = `${server.url}/v2/a/b/manifests/${digest}`;
    expect((await fetch(path, { method: "DELETE" })).status).toBe(202);
    expect(told.map(({ action, tag, before }) => [action, tag, before])).toEqual([
      ["tag-delete", "v1", digest],
      ["tag-delete", "v2", digest],
      ["manifest-delete", undefined, digest],
    ]);
  });

  it("tells of a blob that is taken out of its repository", async () => {
    const { server, told } = await audited();
    const { digest } = await pushBlob(server.url, "a", "x");
    const path = `${server.url}/v2/a/blobs/${digest}`;
    expect((await fetch(path, { method: "DELETE" })).status).toBe(202);
    expect(told).toEqual([{ action: "blob-delete", repository: "a", before: digest, ...CLIENT }]);
  });

  it("names who did it, and whom a proxy names", async () => {
    const access = new StubAccess({ alice: everythingIn("a") });
    const { server, told } = await audited({ access });
    await server.registry.repository("a").tags.set("v1", `sha256:${"1".repeat(64)}` as Digest);
    const answer = await fetch(`${server.url}/v2/a/manifests/v1`, {
      method: "DELETE",
      headers: {
        Authorization: "Test alice",
        "X-Forwarded-For": `10.1.2.3, ${"9".repeat(500)}`,
        "User-Agent": "docker/29",
      },
    });
    expect(answer.status).toBe(202);
    expect(told).toMatchObject([{ actor: "alice", address: "127.0.0.1", userAgent: "docker/29" }]);
    expect(told[0]?.forwardedFor).toMatch(/^10\.1\.2\.3, 9{100,190}$/);
  });

  it("tells that a tag was there whose link nobody can read", async () => {
    const { server, told } = await audited();
    await server.driver.put(tagCurrentLinkPath("a", "v1"), Buffer.from("no digest"));
    const { digest } = await pushImage(server.url, "a", "x", "v1");
    expect(told).toEqual([{ action: "tag-overwrite", repository: "a", tag: "v1", after: digest, ...CLIENT }]);
  });

  it("tells of what became true although the request failed", async () => {
    const driver = new MemoryDriver();
    const { server, told } = await audited({ driver });
    const { digest } = await pushImage(server.url, "a", "x", "v1");
    const remove = driver.delete.bind(driver);
    driver.delete = async (path) => {
      if (path === revisionLinkPath("a", digest) || path.startsWith(`${tagPath("a", "v1")}/index`))
        throw new Error("the disk fails here");
      await remove(path);
    };
    const path = `${server.url}/v2/a/manifests/${digest}`;
    expect((await fetch(path, { method: "DELETE" })).status).toBe(500);
    expect(told).toMatchObject([{ action: "tag-delete", tag: "v1", before: digest }]);
  });

  it("asks the store for nothing more where nothing is written down", async () => {
    const driver = new MemoryDriver();
    const server = await serverOfTest({ driver });
    await pushImage(server.url, "a", "x", "v1");
    const read: string[] = [];
    const get = driver.getSync.bind(driver);
    driver.getSync = (path, maxBytes) => {
      read.push(path);
      return get(path, maxBytes);
    };
    await pushImage(server.url, "a", "y", "v1");
    expect(read.filter((path) => path.includes("/tags/"))).toEqual([]);
  });
});
