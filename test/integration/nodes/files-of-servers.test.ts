import { randomUUID } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { listUploads } from "../../../src/operations/uploads/list-uploads.ts";
import { runPurge } from "../../../src/operations/uploads/run-purge.ts";
import { NodeHeartbeat, type NodeHold } from "../../../src/process/nodes/node-heartbeat.ts";
import { uploadDataPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { liveNodes, otherNodes } from "../../../src/state/nodes.ts";
import { requestFromNodes, withdrawFromNodes } from "../../../src/state/nodes-request.ts";
import { acquireStoreLock } from "../../../src/state/store-lock.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { collect, TEST_HOLDER } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { silentLogger } from "../../support/silent-logger.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { verify } from "../../unit/operations/verify/verify-store.ts";
import { faultyServer, impatientDriver } from "../s3/faulty-store.ts";

const STORES: readonly [string, () => Promise<StorageDriver>][] = [
  ["a disk", async () => new FilesystemDriver({ rootDirectory: await temporaryFolder() })],
  ["S3", async () => impatientDriver(await faultyServer(), "registry")],
];

interface TestNode {
  heartbeat: NodeHeartbeat;
  holds: (NodeHold | undefined)[];
  /** What it is to begin with. */
  first: NodeHold | undefined;
}

const machineOf = (host: string) => ({ ...TEST_HOLDER, host, bootId: host });

async function startNode(driver: StorageDriver, host: string): Promise<TestNode> {
  const holds: (NodeHold | undefined)[] = [];
  const heartbeat = new NodeHeartbeat({
    driver,
    machine: machineOf(host),
    address: `${host}:5000`,
    version: "1",
    logger: silentLogger,
    isReadOnly: () => false,
    onHold: async (hold) => void holds.push(hold),
  });
  const first = await heartbeat.start();
  onTestFinished(() => heartbeat.end());
  return { heartbeat, holds, first };
}

function ask(driver: StorageDriver): Promise<void> {
  return requestFromNodes(driver, {
    ...{ schemaVersion: 1, id: "r", reason: "a test", by: "", drainMs: 0 },
    requestedAt: new Date().toISOString(),
  });
}

describe.each(STORES)("servers on %s", (_, open) => {
  it("see each other, do what is asked of all of them, and are gone at their end", async () => {
    const driver = await open();
    const [a, b] = [await startNode(driver, "a"), await startNode(driver, "b")];
    const others = await otherNodes(driver, { machine: machineOf("a"), pid: TEST_HOLDER.pid });
    expect(others.map(({ host }) => host)).toEqual(["b"]);

    await ask(driver);
    await Promise.all([a.heartbeat.look(), b.heartbeat.look()]);
    const c = await startNode(driver, "c");
    expect(c.first).toMatchObject({ id: "r" });
    const acknowledged = (await liveNodes(driver, TEST_HOLDER)).map((node) => [node.host, node.acknowledged]);
    expect(acknowledged.sort()).toEqual(["a", "b", "c"].map((host) => [host, "r"]));

    await withdrawFromNodes(driver, "r");
    for (const { heartbeat, holds } of [a, b, c]) {
      await heartbeat.look();
      expect(holds.at(-1)).toBeUndefined();
      await heartbeat.end();
    }
    expect(await liveNodes(driver, TEST_HOLDER)).toEqual([]);
  });

  it("take no writes when they start while another host works on the store", async () => {
    const driver = await open();
    const lock = await acquireStoreLock(driver, machineOf("b"), Date.now);
    const { first, heartbeat, holds } = await startNode(driver, "a");
    expect(first?.reason).toContain("on b");
    await lock.release();
    await heartbeat.look();
    expect(holds).toEqual([undefined]);
  });

  it("leave files that no collection, verification, purge or listing minds or touches", async () => {
    const driver = await open();
    const tree = new RegistryTree(driver);
    const repository = tree.repository("group/app");
    await repository.image("kept", ["layer"], { tag: "v1" });
    await repository.image("dead", ["dead layer"]);
    await driver.put(uploadDataPath("group/app", randomUUID()), Buffer.from("x"));
    await startNode(driver, "a");
    await ask(driver);
    const files = async () => (await tree.files()).filter((path) => path.includes("/lockfiles/"));
    const before = await files();
    expect(before).toHaveLength(2);

    const collected = await collect(driver, { deleteUntagged: true });
    expect(collected).toMatchObject({ failed: [], warnings: [], deleted: { manifests: 1, blobs: 3 } });
    expect(collected.found).toMatchObject({ repositories: 1, tags: 1 });
    const verified = await verify(driver, { checksumPercent: 100, strict: true });
    expect(verified).toMatchObject({ complete: true, problems: [], notices: [] });
    expect((await listUploads(driver, { writtenBeforeMs: undefined })).strays.count).toBe(0);
    const purged = await runPurge(
      { driver, nowMs: Date.now, holder: TEST_HOLDER, probe: async () => ({ kind: "nobody" }) },
      { dryRun: false, olderThanMs: 0, force: true, skipIfLocked: false, otherStores: [] },
    );
    expect(purged).toMatchObject({ failures: 0, warnings: [] });
    const page = await new Registry(driver).catalog({ limit: 10 });
    expect(page).toMatchObject({ names: ["group/app"] });

    expect(await files()).toEqual(before);
  });
});
