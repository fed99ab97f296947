import { beforeEach, describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { nodePath } from "../../../src/state/nodes.ts";
import {
  NODES_REQUEST_PATH,
  readNodesRequest,
  requestFromNodes,
  untilAcknowledged,
  withdrawFromNodes,
} from "../../../src/state/nodes-request.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { TEST_HOLDER } from "../../support/collect.ts";

let driver: MemoryDriver;

beforeEach(() => {
  driver = new MemoryDriver();
});

const REQUEST = {
  ...{ schemaVersion: 1 as const, id: "r", reason: "a collection", by: "root on a", drainMs: 5 },
  requestedAt: "2026-01-01T00:00:00.000Z",
};

describe("a request to all servers", () => {
  it("is what was asked, until it is taken back", async () => {
    expect(await readNodesRequest(driver)).toBeUndefined();
    await requestFromNodes(driver, { ...REQUEST, forMs: 1000 });
    expect(await readNodesRequest(driver)).toEqual({ ...REQUEST, forMs: 1000 });
    expect(await withdrawFromNodes(driver, "another")).toBe(false);
    expect(await withdrawFromNodes(driver, "r")).toBe(true);
    expect(await withdrawFromNodes(driver, "r")).toBe(false);
    expect(await withdrawFromNodes(driver)).toBe(false);
    expect(await readNodesRequest(driver)).toBeUndefined();
  });

  it.each(["", "{}", "[", '{"schemaVersion":1}', "x".repeat(100_000)])(
    "still holds when its file is damaged, until somebody takes it back",
    async (text) => {
      await driver.put(NODES_REQUEST_PATH, Buffer.from(text));
      expect(await readNodesRequest(driver)).toMatchObject({ id: "damaged", drainMs: 0 });
      expect(await withdrawFromNodes(driver)).toBe(true);
      expect(await readNodesRequest(driver)).toBeUndefined();
    },
  );

  it("is not known where the store does not answer", async () => {
    driver.get = async () => {
      throw new StorageUnavailableError("gone");
    };
    await expect(readNodesRequest(driver)).rejects.toThrow(StorageUnavailableError);
  });
});

describe("untilAcknowledged", () => {
  async function node(id: string, acknowledged?: string): Promise<void> {
    const record = {
      ...{
        schemaVersion: 1,
        id,
        host: "other",
        bootId: "2",
        pidNamespace: "",
        pid: 1,
        address: "",
        version: "",
      },
      ...{ startedAt: "2026-01-01T00:00:00.000Z", readOnly: false, acknowledged },
    };
    await driver.put(nodePath(id), Buffer.from(JSON.stringify(record)));
  }

  function wait(sleep: () => Promise<unknown>, timeoutMs = 10_000) {
    let nowMs = 0;
    return untilAcknowledged(driver, "r", {
      machine: TEST_HOLDER,
      timeoutMs,
      nowMs: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
        await sleep();
      },
    });
  }

  it("waits for every server, also for one that starts meanwhile", async () => {
    await node("a");
    const steps = [() => node("b"), () => node("a", "r"), () => node("b", "earlier"), () => node("b", "r")];
    const { acknowledged, missing } = await wait(async () => steps.shift()?.());
    expect(steps).toEqual([]);
    expect([acknowledged.map(({ id }) => id), missing]).toEqual([["a", "b"], []]);
  });

  it("says who is missing when the time is up", async () => {
    await node("a", "r");
    await node("b");
    expect(await wait(async () => {})).toMatchObject({ acknowledged: [{ id: "a" }], missing: [{ id: "b" }] });
  });
});
