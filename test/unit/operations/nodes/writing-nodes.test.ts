import { describe, expect, it } from "vitest";
import { writingNodesProblem } from "../../../../src/operations/nodes/writing-nodes.ts";
import { nodePath } from "../../../../src/state/nodes.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { collect, TEST_HOLDER } from "../../../support/collect.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";

async function register(driver: MemoryDriver, id: string, more: object = {}): Promise<void> {
  const record = {
    ...{ schemaVersion: 1, id, host: "other", bootId: "2", pidNamespace: "", pid: 7, address: "other:5000" },
    ...{ version: "1", startedAt: "2026-01-01T00:00:00.000Z", readOnly: false, ...more },
  };
  await driver.put(nodePath(id), Buffer.from(JSON.stringify(record)));
}

describe("writingNodesProblem", () => {
  it("finds nothing where nobody serves, or all refuse writes", async () => {
    const driver = new MemoryDriver();
    expect(await writingNodesProblem(driver, TEST_HOLDER, 0)).toBeUndefined();
    await register(driver, "a", { readOnly: true });
    expect(await writingNodesProblem(driver, TEST_HOLDER, 0)).toBeUndefined();
  });

  it("names a server that takes writes, and until when it counts", async () => {
    const driver = new MemoryDriver();
    await register(driver, "a", { readOnly: true });
    await register(driver, "b");
    await register(driver, "c");
    const problem = await writingNodesProblem(driver, TEST_HOLDER, 0);
    expect(problem?.message).toBe(
      "a server takes writes to this store: process 7 on other at other:5000 and 1 more",
    );
    expect(problem?.hint).toMatch(/it is forgotten after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it("waits a moment for a server that has just been made read-only", async () => {
    const driver = new MemoryDriver();
    await register(driver, "a");
    setTimeout(() => void register(driver, "a", { readOnly: true }), 50);
    expect(await writingNodesProblem(driver, TEST_HOLDER)).toBeUndefined();
  });
});

describe("a collection", () => {
  it("is refused as long as a server of another host takes writes, unless it is forced", async () => {
    const driver = new MemoryDriver();
    await new RegistryTree(driver).repository("a").image("x", ["y"], { tag: "v1" });
    await register(driver, "a");
    const dryRun = await collect(driver, { dryRun: true });
    expect(dryRun.warnings).toEqual([
      "a real run would refuse: a server takes writes to this store: process 7 on other at other:5000",
    ]);
    await expect(collect(driver)).rejects.toThrow("a server takes writes to this store");
    expect(await collect(driver, { force: true })).toMatchObject({ failed: [] });
    await register(driver, "a", { readOnly: true });
    expect(await collect(driver)).toMatchObject({ warnings: [] });
  });
});
