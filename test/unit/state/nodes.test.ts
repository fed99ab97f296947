import { beforeEach, describe, expect, it } from "vitest";
import { StorageFullError, StorageUnavailableError } from "../../../src/errors.ts";
import type { NodeRecord } from "../../../src/state/node-record.ts";
import {
  liveNodes,
  NODE_STALE_MS,
  NODES_FOLDER,
  nodePath,
  otherNodes,
  removeDeadNodes,
} from "../../../src/state/nodes.ts";
import { ClockedMemoryDriver } from "../../support/clocked-memory-driver.ts";
import { TEST_HOLDER } from "../../support/collect.ts";

const START = Date.UTC(2026, 0, 1);
let driver: ClockedMemoryDriver;

beforeEach(() => {
  driver = new ClockedMemoryDriver(START);
});

const machine = { ...TEST_HOLDER, isAlive: (pid: number) => pid !== 666 };

async function register(id: string, more: Partial<NodeRecord> = {}): Promise<void> {
  const { host, bootId, pidNamespace, pid } = TEST_HOLDER;
  const record: NodeRecord = {
    ...{ schemaVersion: 1, id, host, bootId, pidNamespace, pid },
    ...{ address: "127.0.0.1:5000", version: "1", startedAt: new Date(START).toISOString(), readOnly: false },
    ...more,
  };
  await driver.put(nodePath(id), Buffer.from(JSON.stringify(record)));
}

const elsewhere = { host: "other", bootId: "another", pid: 666 };
const ids = (nodes: NodeRecord[]): string[] => nodes.map(({ id }) => id);

describe("liveNodes", () => {
  it("finds nobody on a store that no server has used", async () => {
    expect(await liveNodes(driver, machine)).toEqual([]);
  });

  it("tells who they are and when they renewed their file", async () => {
    await register("a", elsewhere);
    expect(await liveNodes(driver, machine)).toEqual([
      {
        ...{ schemaVersion: 1, id: "a", pidNamespace: TEST_HOLDER.pidNamespace, ...elsewhere },
        ...{ address: "127.0.0.1:5000", version: "1", startedAt: new Date(START).toISOString() },
        ...{ readOnly: false, renewedMs: START },
      },
    ]);
  });

  it("leaves out who is dead on this machine, and who has told nothing for ten minutes by the store's clock", async () => {
    await register("dead", { pid: 666 });
    await register("here");
    await register("elsewhere", elsewhere);
    await register("in a container", { pid: 666, pidNamespace: "pid:[2]" });
    driver.nowMs += NODE_STALE_MS;
    expect(ids(await liveNodes(driver, machine))).toEqual(["elsewhere", "here", "in a container"]);
    driver.nowMs += 1;
    await register("renewed", elsewhere);
    expect(ids(await liveNodes(driver, machine))).toEqual(["renewed"]);
  });

  it("lets no server pass lines of its own for ours, nor command a terminal", async () => {
    await register("a", { ...elsewhere, host: "h\nerror: forged", address: "x\u001b[2J\u009b" });
    expect(await liveNodes(driver, machine)).toMatchObject([{ host: "h?error: forged", address: "x?[2J?" }]);
  });

  it("counts a damaged or an oversized file as a server", async () => {
    await driver.put(nodePath("damaged"), Buffer.from('{"schemaVersion":1,"id'));
    await driver.put(nodePath("large"), Buffer.alloc(100_000));
    await driver.put(`${NODES_FOLDER}/stray`, Buffer.from("x"));
    expect(await liveNodes(driver, machine)).toMatchObject([
      { id: "damaged", host: "an unknown host" },
      { id: "large" },
    ]);
  });

  it("goes by our clock where the store has no room for a probe file, and fails where it does not answer", async () => {
    driver.nowMs = Date.now();
    await register("a", elsewhere);
    driver.now = async () => {
      throw new StorageFullError("full");
    };
    expect(ids(await liveNodes(driver, machine))).toEqual(["a"]);
    driver.now = async () => {
      throw new StorageUnavailableError("gone");
    };
    await expect(liveNodes(driver, machine)).rejects.toThrow(StorageUnavailableError);
  });
});

describe("otherNodes", () => {
  it("leaves out one's own server, by its process on this machine or by its id", async () => {
    await register("own");
    await register("same number elsewhere", { bootId: "another" });
    expect(ids(await otherNodes(driver, { machine, pid: TEST_HOLDER.pid }))).toEqual([
      "same number elsewhere",
    ]);
    expect(ids(await otherNodes(driver, { machine, id: "own" }))).toEqual(["same number elsewhere"]);
    expect(ids(await otherNodes(driver, { machine }))).toEqual(["own", "same number elsewhere"]);
  });
});

describe("removeDeadNodes", () => {
  it("removes who is dead here, who had our number before, and who has been silent for a day", async () => {
    await register("silent", elsewhere);
    driver.nowMs += 24 * 3_600_000 - 1;
    await register("dead", { pid: 666 });
    await register("had our number");
    await register("beside us", { pid: 77 });
    await register("elsewhere", elsewhere);
    await removeDeadNodes(driver, machine);
    expect(ids(await liveNodes(driver, machine))).toEqual(["beside us", "elsewhere"]);
    const names = async () => (await driver.list(NODES_FOLDER)).map(({ path }) => path);
    expect(await names()).toContain(nodePath("silent"));
    driver.nowMs += 2;
    await removeDeadNodes(driver, machine);
    expect(await names()).toEqual([nodePath("beside us"), nodePath("elsewhere")]);
  });
});
