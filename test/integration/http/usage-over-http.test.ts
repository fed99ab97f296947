import { afterEach, describe, expect, it } from "vitest";
import { parseAddress } from "../../../src/client/registry/registry-address.ts";
import { RegistryClient } from "../../../src/client/registry/registry-client.ts";
import { readUsage } from "../../../src/operations/usage/read-usage.ts";
import { readUsageOverHttp } from "../../../src/operations/usage/read-usage-over-http.ts";
import { reportUsage } from "../../../src/operations/usage/report-usage.ts";
import type { UsageModel } from "../../../src/operations/usage/usage-model.ts";
import type { UsageKind } from "../../../src/operations/usage/usage-report.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const started: InProcessServer[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.close();
});

function overHttp(url: string, repositories: readonly string[] = []): Promise<UsageModel> {
  const client = new RegistryClient({ address: parseAddress(url), credentials: undefined, firstWaitMs: 1 });
  const { signal } = new AbortController();
  return readUsageOverHttp({ client, repositories, signal, onRepository: () => undefined });
}

function rowsOf(model: UsageModel, by: UsageKind) {
  const { rows, total } = reportUsage(model, {
    ...{ by, graceMs: 0, top: undefined, sort: "name", sinceMs: undefined, overBytes: undefined },
    ...{ overBy: "sizeBytes", depth: 2, directory: undefined, isFromGitLab: false },
  });
  return { rows, total };
}

describe("usage over HTTP", () => {
  it("is what the store's is where everything is tagged, and says what it cannot see", async () => {
    const driver = new MemoryDriver();
    const tree = new RegistryTree(driver);
    const one = tree.repository("group/one");
    const two = tree.repository("group/two/deep");
    const shared = "a layer of both".repeat(100);
    const arm = await one.image("arm", [shared, "arm"]);
    const amd = await one.image("amd", [shared, "amd"]);
    const index = await one.index([arm, amd], { tag: "multi" });
    await one.tag("again", index.digest);
    await one.tag("amd", amd.digest);
    await two.image("other", [shared, "its own"], { tag: "v1" });
    const server = await startInProcessServer({ driver });
    started.push(server);
    const stored = await readUsage(
      { driver, nowMs: Date.now },
      { graceMs: 0, concurrency: 4, wantsPushes: false, wantsTagNeeds: true },
    );
    const asked = await overHttp(server.url);
    for (const by of ["project", "repository", "tag", "layer", "media-type"] as const)
      expect(rowsOf(asked, by), by).toEqual(rowsOf(stored, by));
    expect(asked.notices.join()).toContain("over HTTP only what tags need is seen");
    expect(asked.problems).toEqual([]);
    const only = rowsOf(await overHttp(server.url, ["group/one"]), "repository").rows;
    expect(only.map(({ name, sharedBytes }) => [name, sharedBytes])).toEqual([["group/one", 0]]);
  });

  it("tells what cannot be read and counts the rest", async () => {
    const driver = new MemoryDriver();
    const one = new RegistryTree(driver).repository("group/one");
    const lost = await one.image("lost", ["a"], { tag: "lost" });
    await one.image("sound", ["b"], { tag: "sound" });
    const server = await startInProcessServer({ driver });
    started.push(server);
    await driver.put(
      `/docker/registry/v2/blobs/sha256/${lost.digest.slice(7, 9)}/${lost.digest.slice(7)}/data`,
      Buffer.from("{}"),
    );
    const model = await overHttp(server.url);
    expect(model.problems).toHaveLength(1);
    const { rows } = rowsOf(model, "tag");
    expect(rows.map(({ name }) => name)).toContain("group/one:sound");
  });
});
