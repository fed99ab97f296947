import { afterEach, describe, expect, it } from "vitest";
import { parseAddress } from "../../../src/client/registry/registry-address.ts";
import { RegistryClient } from "../../../src/client/registry/registry-client.ts";
import type { Digest } from "../../../src/oci/digest.ts";
import {
  type HttpVerifyReport,
  verifyOverHttp,
} from "../../../src/operations/verify/over-http/verify-over-http.ts";
import {
  type FakeRegistry,
  type FakeRegistryOptions,
  startFakeRegistry,
} from "../../support/fake-registry.ts";

const started: FakeRegistry[] = [];
afterEach(async () => {
  for (const registry of started.splice(0)) await registry.close();
});

async function start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const registry = await startFakeRegistry(options);
  started.push(registry);
  return registry;
}

function verify(registry: FakeRegistry, only: readonly string[] = []): Promise<HttpVerifyReport> {
  const client = new RegistryClient({
    ...{ address: parseAddress(registry.url), credentials: undefined, firstWaitMs: 1 },
  });
  const { signal } = new AbortController();
  return verifyOverHttp({ client, nowMs: () => 0, signal, onProgress: () => undefined }, only);
}

/** What an image is made of, in the order in which it was pushed: config, layer. */
function blobsOf(registry: FakeRegistry, manifest: Digest): [Digest, Digest] {
  const json = JSON.parse(registry.content.get(manifest)?.toString() ?? "");
  return [json.config.digest, json.layers[0].digest];
}

describe("verifying a registry over HTTP", () => {
  it("looks at each manifest and blob of each repository once", async () => {
    const registry = await start({ requestsPerToken: 1000 });
    registry.push("a/b", "one", "two");
    registry.push("a/b", "three");
    registry.push("c", "one");
    const report = await verify(registry);
    const bytes = [...registry.content.values()].reduce((sum, { length }) => sum + length, 0);
    expect(report).toMatchObject({
      complete: true,
      checked: { repositories: 2, tags: 4, manifests: 3, blobs: 6, bytes },
    });
    const blobs = registry.requests.filter((line) => line.includes("/blobs/"));
    expect(blobs).toHaveLength(6);
    expect(blobs.every((line) => line.startsWith("HEAD "))).toBe(true);
  });

  it("names what is missing, wrong or damaged, and the tags that it breaks", async () => {
    const registry = await start();
    const shared = registry.push("a/b", "one", "two");
    const damaged = registry.push("a/b", "three");
    const short = registry.push("c", "four");
    const lost = registry.push("c", "five");
    registry.push("c", "sound");
    const [config] = blobsOf(registry, shared);
    const [, layer] = blobsOf(registry, short);
    registry.content.delete(config);
    registry.content.set(damaged, Buffer.from("{}"));
    registry.content.set(layer, Buffer.from("x"));
    registry.content.delete(lost);
    const report = await verify(registry);
    const told = report.problems.map(({ kind, digest, repositories, tags }) => [
      ...[kind, digest, repositories.first, tags.first],
    ]);
    expect(told.sort()).toEqual(
      [
        ["missing-blob", config, ["a/b"], ["a/b:one", "a/b:two"]],
        ["wrong-digest", damaged, ["a/b"], ["a/b:three"]],
        ["wrong-size", layer, ["c"], ["c:four"]],
        ["tag-without-manifest", undefined, ["c"], ["c:five"]],
      ].sort(),
    );
    expect(report).toMatchObject({ complete: false, problemCount: 4, uncheckedCount: 0 });
  });

  it("looks at the repositories that are named, and says which it may not look at", async () => {
    const registry = await start({
      before: ({ url }, response) => Boolean(url?.startsWith("/v2/secret/") && response.writeHead(403).end()),
    });
    registry.push("a/b", "one");
    registry.push("secret", "one");
    const report = await verify(registry, ["a/b", "secret", "none"]);
    expect(report.unchecked).toEqual([
      { path: "secret", error: `${registry.url} does not let us pull from secret (403)` },
      { path: "none", error: "it has no tags, or there is no such repository" },
    ]);
    expect(report).toMatchObject({ complete: false, problemCount: 0, checked: { repositories: 1 } });
  });

  it("gives up when the registry is away, and does not take everything for missing", async () => {
    const registry = await start({
      before: ({ url }, response) => Boolean(url?.includes("/blobs/") && response.writeHead(502).end()),
    });
    registry.push("a/b", "one");
    await expect(verify(registry)).rejects.toThrow("answers 502");
  });
});
