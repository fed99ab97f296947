import { describe, expect, it } from "vitest";
import { layerLinkPath, tagCurrentLinkPath } from "../../../src/registry/paths.ts";
import { PinTable } from "../../../src/server/coordination/pin-table.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { type Pushed, RegistryTree } from "../../support/registry-tree.ts";
import { serverOfTest } from "../../support/server-of-test.ts";

/** What the Go registry stores of a layer that was pushed by its sha512: the bytes by sha256, and a link to those. */
async function aliasedLayer(tree: RegistryTree): Promise<{ alias: Pushed; stored: Pushed }> {
  const stored = await tree.repository("app").layer("pushed by sha512");
  const elsewhere = new RegistryTree(new MemoryDriver());
  const alias = await elsewhere.repository("app").layer("pushed by sha512", "sha512");
  await tree.driver.put(layerLinkPath("app", alias.digest), Buffer.from(stored.digest));
  return { alias, stored };
}

describe("what requests rely on", () => {
  it("has the bytes that another name stores, for a manifest, a blob and a mount", async () => {
    const server = await serverOfTest();
    const tree = new RegistryTree(server.driver);
    const { alias, stored } = await aliasedLayer(tree);
    const image = await tree.repository("app").image("one", [alias]);
    const bytes = await server.driver.get(`/docker/registry/v2/blobs/sha256/${pathOf(image.digest)}/data`);

    for (const send of [
      () =>
        fetch(`${server.url}/v2/app/manifests/v1`, {
          method: "PUT",
          headers: { "content-type": image.mediaType },
          body: bytes,
        }),
      () => fetch(`${server.url}/v2/app/blobs/${alias.digest}`, { method: "HEAD" }),
      () => fetch(`${server.url}/v2/other/blobs/uploads/?mount=${alias.digest}&from=app`, { method: "POST" }),
    ]) {
      server.coordination.everPinned.clear();
      server.coordination.leased.clear();
      expect((await send()).ok).toBe(true);
      expect(server.coordination.everPinned).toContain(stored.digest);
      expect(server.coordination.leased).toContain(stored.digest);
    }
  });

  it("is leased before a manifest is written", async () => {
    const driver = new MemoryDriver();
    const tree = new RegistryTree(driver);
    const image = await tree.repository("app").image("one", ["layer"]);
    const bytes = await driver.get(`/docker/registry/v2/blobs/sha256/${pathOf(image.digest)}/data`);
    const server = await serverOfTest({ driver });
    const leasedAtWrite: boolean[] = [];
    const put = driver.put.bind(driver);
    driver.put = (path, content) => {
      leasedAtWrite.push(server.coordination.leased.has(image.digest));
      return put(path, content);
    };
    const headers = { "content-type": image.mediaType };
    const answer = await fetch(`${server.url}/v2/app/manifests/v1`, { method: "PUT", headers, body: bytes });
    expect(answer.status).toBe(201);
    expect(leasedAtWrite).toEqual([true, true, true, true]);
  });

  it("is kept from a client's delete, and a delete from it", async () => {
    const server = await serverOfTest();
    const app = new RegistryTree(server.driver).repository("app");
    const layer = await app.layer("layer");
    const image = await app.image("one", [layer], { tag: "v1" });
    await app.tag("v2", image.digest);
    const excluded = async (path: string): Promise<string[]> => {
      const seen: string[] = [];
      const exclude = server.coordination.exclude.bind(server.coordination);
      server.coordination.exclude = (keys) => {
        seen.push(...keys);
        return exclude(keys);
      };
      const answer = await fetch(`${server.url}/v2/app/${path}`, { method: "DELETE" });
      expect(answer.status).toBe(202);
      expect(server.coordination.excluded).toEqual([]);
      server.coordination.exclude = exclude;
      return seen;
    };
    expect(await excluded("manifests/v2")).toEqual(["app:v2", "app:v2="]);
    expect(await excluded(`manifests/${image.digest}`)).toEqual([
      ...[`app@${image.digest}`, "app:v1", "app:v1="],
    ]);
    expect(await excluded(`blobs/${layer.digest}`)).toEqual([`app@${layer.digest}`]);
  });

  it("is refused with the time after which to try again, while the store may still remove it", async () => {
    const server = await serverOfTest();
    const image = await new RegistryTree(server.driver).repository("app").image("one", ["layer"]);
    const table = new PinTable({ ask: async () => "gone", isLeased: () => false });
    table.refuse({ keys: [image.digest], forMs: 90_000 });
    server.coordination.onPin = (keys) => {
      void table.pin(keys);
      return undefined;
    };
    const answer = await fetch(`${server.url}/v2/app/manifests/${image.digest}`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("90");
    expect(await answer.json()).toMatchObject({ errors: [{ code: "UNAVAILABLE" }] });
  });
});

describe("a pull by a tag that is moved meanwhile", () => {
  it("gets what the tag points to now, if what it pointed to has been collected", async () => {
    const driver = new MemoryDriver();
    const app = new RegistryTree(driver).repository("app");
    const before = await new RegistryTree(new MemoryDriver()).repository("app").image("old", ["old"]);
    const now = await app.image("new", ["new"], { tag: "v1" });
    const server = await serverOfTest({ driver });
    const read = driver.getSync.bind(driver);
    let looks = 0;
    driver.getSync = (path, maxBytes) => {
      if (path !== tagCurrentLinkPath("app", "v1") || looks++ > 0) return read(path, maxBytes);
      return Buffer.from(before.digest);
    };
    const answer = await fetch(`${server.url}/v2/app/manifests/v1`);
    expect([answer.status, answer.headers.get("docker-content-digest")]).toEqual([200, now.digest]);
    expect(looks).toBe(2);
  });

  it("is told that it is not there if the tag still points to it", async () => {
    const server = await serverOfTest();
    const app = new RegistryTree(server.driver).repository("app");
    const missing = await new RegistryTree(new MemoryDriver()).repository("app").image("old", ["old"]);
    await app.tag("v1", missing.digest);
    expect((await fetch(`${server.url}/v2/app/manifests/v1`)).status).toBe(404);
  });
});

function pathOf(digest: string): string {
  const hex = digest.slice("sha256:".length);
  return `${hex.slice(0, 2)}/${hex}`;
}
