import { afterEach, describe, expect, it } from "vitest";
import type { Credentials } from "../../../src/client/registry/credentials.ts";
import { parseAddress } from "../../../src/client/registry/registry-address.ts";
import { RegistryClient } from "../../../src/client/registry/registry-client.ts";
import { CancelledError, RegistryStateError } from "../../../src/errors.ts";
import { HttpTags } from "../../../src/operations/tags/http-tags.ts";
import type { RemovalOutcome, TagTarget } from "../../../src/operations/tags/tag-source.ts";
import {
  type FakeRegistry,
  type FakeRegistryOptions,
  startFakeRegistry,
} from "../../support/fake-registry.ts";

const REPOSITORY = "team/app";
const ME: Credentials = { kind: "basic", user: "me", password: "pw" };
const EVERYTHING = { created: true, size: true, platforms: true, pushed: true };

const started: FakeRegistry[] = [];
afterEach(async () => {
  for (const registry of started.splice(0)) await registry.close();
});

async function start(
  options: FakeRegistryOptions = {},
  credentials: Credentials | undefined = ME,
): Promise<{ registry: FakeRegistry; source: HttpTags }> {
  const registry = await startFakeRegistry(options);
  started.push(registry);
  const client = new RegistryClient({ address: parseAddress(registry.url), credentials, firstWaitMs: 1 });
  return { registry, source: new HttpTags(client) };
}

async function remove(source: HttpTags, tags: readonly TagTarget[]): Promise<RemovalOutcome[]> {
  const outcomes: RemovalOutcome[] = [];
  await source.remove(REPOSITORY, tags, { onOutcome: (outcome) => outcomes.push(outcome) });
  return outcomes;
}

const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `v${String(index).padStart(5, "0")}`);

describe("tags over HTTP", () => {
  it("are listed over all pages, in byte order, with what each points to", async () => {
    for (const linkTo of [(path: string) => path, (path: string) => `${started.at(-1)?.url}${path}`]) {
      const { registry, source } = await start({ pageSize: 7, linkTo });
      const names = numbered(20);
      const digest = registry.push(REPOSITORY, ...names);
      const other = registry.push(REPOSITORY, "V", "latest");
      expect(await source.names(REPOSITORY)).toEqual(["V", "latest", ...names]);
      expect(await source.tags(REPOSITORY)).toEqual([
        ...["V", "latest"].map((name) => ({ name, digest: other })),
        ...names.map((name) => ({ name, digest })),
      ]);
      expect(registry.requests.filter((line) => line.includes("/tags/list"))).toHaveLength(8);
    }
  });

  it("are none where there is no such repository", async () => {
    const { source } = await start();
    expect(await source.names("no/such")).toEqual([]);
    expect(await source.facts("no/such", undefined, EVERYTHING)).toEqual([]);
  });

  it("are described by their manifests and configs, each read once", async () => {
    const { registry, source } = await start({ requestsPerToken: 1000 });
    const shared = registry.push(REPOSITORY, "one", "two");
    const broken = registry.push(REPOSITORY, "broken");
    registry.content.set(broken, Buffer.from("{}"));
    const facts = await source.facts(REPOSITORY, ["one", "two", "broken", "none"], EVERYTHING);
    expect(facts.map(({ name, digest, siblings }) => ({ name, digest, siblings }))).toEqual([
      { name: "broken", digest: broken, siblings: [] },
      { name: "one", digest: shared, siblings: ["two"] },
      { name: "two", digest: shared, siblings: ["one"] },
    ]);
    expect(facts[0]).toMatchObject({ mediaType: undefined, created: { kind: "unreadable" } });
    const manifest = registry.content.get(shared)?.length ?? 0;
    const blobs = [...registry.content.entries()].slice(0, 2);
    expect(facts[1]).toMatchObject({
      pushedMs: undefined,
      created: { kind: "known", ms: Date.UTC(2024, 0, 1) },
      platforms: ["linux/amd64"],
      sizeBytes: blobs.reduce((sum, [, bytes]) => sum + bytes.length, manifest),
      isManifestMissing: false,
    });
    expect(
      registry.requests.filter((line) => line === `GET /v2/${REPOSITORY}/manifests/${shared}`),
    ).toHaveLength(1);
  });

  it("are looked for in all repositories of the catalog, but not in those that a move has parked", async () => {
    const { registry, source } = await start({ pageSize: 2 });
    for (const name of ["z", "a/b", "a/c", "m"]) registry.push(name, "latest");
    const names: string[] = [];
    for await (const name of source.repositories()) names.push(name);
    expect(names).toEqual(["a/b", "a/c", "m", "z"]);
  });

  it("need names of repositories where the registry lists none", async () => {
    for (const status of [401, 403, 404, 405]) {
      const { source } = await start({
        before: (_request, response) => Boolean(response.writeHead(status).end()),
      });
      const list = async (): Promise<void> => {
        for await (const _ of source.repositories()) break;
      };
      await expect(list()).rejects.toMatchObject({
        message: expect.stringContaining(`does not let us list its repositories (${status})`),
        hint: expect.stringContaining("name the repositories"),
      });
    }
  });

  it("are never looked for on another host that a list leads to, nor for ever", async () => {
    const { registry, source } = await start({
      pageSize: 1,
      linkTo: (path) => `http://other.example${path}`,
    });
    registry.push(REPOSITORY, "a", "b");
    await expect(source.names(REPOSITORY)).rejects.toThrow("next page on another host: other.example");
    const circle = await start({ pageSize: 1, linkTo: () => `/v2/${REPOSITORY}/tags/list?n=1` });
    circle.registry.push(REPOSITORY, "a", "b");
    await expect(circle.source.names(REPOSITORY)).rejects.toThrow("pages in a circle");
  });

  it("take no name that is none", async () => {
    const { source } = await start({
      before: ({ url }, response) =>
        Boolean(
          url?.includes("/tags/list") && response.end(JSON.stringify({ tags: ["../../other/manifests/x"] })),
        ),
    });
    await expect(source.names(REPOSITORY)).rejects.toThrow("a tag that is none");
  });
});

describe("removing tags over HTTP", () => {
  it.each(["oci", "gitlab"] as const)("removes them and nothing else (%s)", async (removes) => {
    const { registry, source } = await start({ removes, requestsPerToken: 1000 });
    const digest = registry.push(REPOSITORY, "one", "two", "three", "stays");
    const moved = registry.push(REPOSITORY, "moved");
    const outcomes = await remove(source, [
      { name: "one", digest },
      { name: "two", digest },
      { name: "gone", digest },
      { name: "moved", digest },
    ]);
    expect(outcomes.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: "gone", kind: "gone" },
      { name: "moved", kind: "moved", reason: `it points to ${moved} by now` },
      { name: "one", kind: "removed" },
      { name: "two", kind: "removed" },
    ]);
    expect([...(registry.tags.get(REPOSITORY)?.keys() ?? [])].sort()).toEqual(["moved", "stays", "three"]);
    const byDigest = registry.requests.filter((line) => /^DELETE .*sha256:/.test(line));
    expect(byDigest).toEqual([]);
  });

  it("refuses a registry that would remove the manifest, and changes nothing", async () => {
    const { registry, source } = await start({ removes: "never" });
    const digest = registry.push(REPOSITORY, "one", "two");
    const tags = ["one", "two"].map((name) => ({ name, digest }));
    const error: unknown = await remove(source, tags).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RegistryStateError);
    expect((error as RegistryStateError).message).toContain(
      "cannot remove a tag alone: it answers 400 DIGEST_INVALID",
    );
    expect((error as RegistryStateError).hint).toContain("in its storage");
    expect([...(registry.tags.get(REPOSITORY)?.keys() ?? [])]).toEqual(["one", "two"]);
    expect(registry.requests.filter((line) => /^DELETE .*(sha256|one|two)/.test(line))).toEqual([]);
    await expect(source.checkRemoval(REPOSITORY)).rejects.toThrow(RegistryStateError);
  });

  it("says of a registry that removes nothing now why that may be", async () => {
    const { source } = await start({
      before: ({ method }, response) => Boolean(method === "DELETE" && response.writeHead(405).end()),
    });
    await expect(source.checkRemoval(REPOSITORY)).rejects.toThrow("removes nothing now (405)");
  });

  it("tells each tag that is refused, and goes on", async () => {
    const { registry, source } = await start({
      before: ({ method, url }, response) =>
        Boolean(method === "DELETE" && url?.endsWith("/protected") && response.writeHead(403).end()),
    });
    const digest = registry.push(REPOSITORY, "one", "protected", "two");
    const outcomes = await remove(
      source,
      ["one", "protected", "two"].map((name) => ({ name, digest })),
    );
    expect(outcomes.find(({ name }) => name === "protected")).toEqual({
      ...{ name: "protected", kind: "failed", isPassing: false },
      reason: `${registry.url} does not let us delete from ${REPOSITORY} (403)`,
    });
    expect([...(registry.tags.get(REPOSITORY)?.keys() ?? [])]).toEqual(["protected"]);
  });

  it("counts a removal whose answer was lost", async () => {
    let lost = 0;
    const { registry, source } = await start({
      before: ({ method, url }, response) => {
        if (method !== "DELETE" || !url?.endsWith("/one") || lost++ > 0) return false;
        registry.tags.get(REPOSITORY)?.delete("one");
        response.destroy();
        return true;
      },
    });
    const digest = registry.push(REPOSITORY, "one");
    expect(await remove(source, [{ name: "one", digest }])).toEqual([{ name: "one", kind: "removed" }]);
    expect(lost).toBe(2);
  });

  it("removes 5,000 tags with a token of two seconds", async () => {
    const { registry, source } = await start({ tokenLifeSeconds: 2, requestsPerToken: 1000 });
    const names = numbered(5000);
    const digest = registry.push(REPOSITORY, ...names, "stays");
    const outcomes = await remove(
      source,
      names.map((name) => ({ name, digest })),
    );
    expect(outcomes.filter(({ kind }) => kind !== "removed")).toEqual([]);
    expect(outcomes).toHaveLength(5000);
    expect([...(registry.tags.get(REPOSITORY)?.keys() ?? [])]).toEqual(["stays"]);
    expect(registry.tokensGiven()).toBeGreaterThanOrEqual(10);
  }, 60_000);

  it("goes on with another token when the registry takes one no longer", async () => {
    const { registry, source } = await start({ requestsPerToken: 40 });
    const names = numbered(400);
    const digest = registry.push(REPOSITORY, ...names);
    const outcomes = await remove(
      source,
      names.map((name) => ({ name, digest })),
    );
    expect(outcomes.filter(({ kind }) => kind !== "removed")).toEqual([]);
    // 400 looks and 401 removals.
    expect(registry.tokensGiven()).toBeGreaterThanOrEqual(Math.ceil(801 / 40));
  });

  it("is patient with a registry that lets a request through now and then", async () => {
    let turn = 0;
    const { registry, source } = await start({
      before: (_request, response) => {
        if (turn++ % 2 === 0) return false;
        response.writeHead(429, { "retry-after": "0" }).end();
        return true;
      },
    });
    const names = numbered(20);
    const digest = registry.push(REPOSITORY, ...names);
    const outcomes = await remove(
      source,
      names.map((name) => ({ name, digest })),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(names.map(() => "removed"));
  });

  it("waits for the answer of what was begun, and begins nothing more, when it is asked to stop", async () => {
    const stop = new AbortController();
    const { registry, source } = await start({
      before: ({ method, url }) => {
        if (method === "DELETE" && !url?.includes("probe")) stop.abort();
        return false;
      },
    });
    const names = numbered(100);
    const digest = registry.push(REPOSITORY, ...names);
    const outcomes: RemovalOutcome[] = [];
    const removing = source.remove(
      REPOSITORY,
      names.map((name) => ({ name, digest })),
      { signal: stop.signal, onOutcome: (outcome) => outcomes.push(outcome) },
    );
    await expect(removing).rejects.toThrow(CancelledError);
    const left = registry.tags.get(REPOSITORY)?.size ?? 0;
    expect(outcomes.filter(({ kind }) => kind === "removed")).toHaveLength(100 - left);
    expect(left).toBeGreaterThan(80);
  });
});
