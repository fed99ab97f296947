import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StorageFullError, StorageUnavailableError } from "../../../../src/errors.ts";
import { NodeHeartbeat, type NodeHold } from "../../../../src/process/nodes/node-heartbeat.ts";
import { liveNodes, NODE_STALE_MS, NODES_FOLDER, nodePath } from "../../../../src/state/nodes.ts";
import {
  NODES_REQUEST_PATH,
  requestFromNodes,
  withdrawFromNodes,
} from "../../../../src/state/nodes-request.ts";
import { acquireStoreLock, STORE_LOCK_PATH, type StoreLock } from "../../../../src/state/store-lock.ts";
import { ClockedMemoryDriver } from "../../../support/clocked-memory-driver.ts";
import { TEST_HOLDER } from "../../../support/collect.ts";
import { type LoggedLine, recordingLogger } from "../../../support/recording-logger.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const machine = { ...TEST_HOLDER, isAlive: () => true };
const elsewhere = { ...TEST_HOLDER, host: "other", bootId: "another" };

let driver: ClockedMemoryDriver;
let nowMs: number;
let logged: LoggedLine[];
let holds: (NodeHold | undefined)[];
let isReadOnly: boolean;
let started: NodeHeartbeat[];
let locks: StoreLock[];

beforeEach(() => {
  nowMs = START;
  driver = new ClockedMemoryDriver(START);
  [logged, holds, started, locks, isReadOnly] = [[], [], [], [], false];
});

afterEach(async () => {
  for (const heartbeat of started) await heartbeat.end();
  for (const lock of locks) await lock.release();
});

type OnHold = (hold: NodeHold | undefined) => Promise<void>;

function heartbeat(onHold: OnHold = async (hold) => void holds.push(hold)): NodeHeartbeat {
  const made = new NodeHeartbeat({
    driver,
    machine,
    address: "127.0.0.1:5000",
    version: "1.2.3",
    logger: recordingLogger(logged),
    isReadOnly: () => isReadOnly,
    onHold,
    nowMs: () => nowMs,
  });
  started.push(made);
  return made;
}

/** The server's clock and the store's go together here. */
function pass(ms: number): void {
  nowMs += ms;
  driver.nowMs += ms;
}

async function lock(holder = elsewhere): Promise<StoreLock> {
  const taken = await acquireStoreLock(driver, holder, () => nowMs);
  locks.push(taken);
  return taken;
}

const request = (more: object = {}) =>
  requestFromNodes(driver, {
    ...{ schemaVersion: 1, id: "r", reason: "a collection", by: "root on b", drainMs: 7 },
    requestedAt: new Date(START).toISOString(),
    ...more,
  });

describe("NodeHeartbeat", () => {
  it("is not taken for gone while writes that had begun are waited for", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      let drained = (): void => {};
      const beat = heartbeat(
        () =>
          new Promise((resolve) => {
            drained = resolve;
          }),
      );
      await beat.start();
      await request();
      const looking = beat.look();
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
      pass(NODE_STALE_MS + MINUTE);
      await vi.advanceTimersByTimeAsync(MINUTE);
      await vi.waitFor(async () => {
        const [node] = await liveNodes(driver, elsewhere);
        expect(node).toMatchObject({ id: beat.id });
        expect(node?.acknowledged).toBeUndefined();
      });
      drained();
      await looking;
      expect(vi.getTimerCount()).toBe(0);
      expect(await liveNodes(driver, elsewhere)).toMatchObject([{ acknowledged: "r" }]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("makes its server known from its start to its end", async () => {
    const beat = heartbeat();
    expect(await beat.start()).toBeUndefined();
    expect(await liveNodes(driver, machine)).toMatchObject([
      { id: beat.id, pid: machine.pid, address: "127.0.0.1:5000", version: "1.2.3", readOnly: false },
    ]);
    await beat.end();
    expect(await driver.list(NODES_FOLDER).catch(() => [])).toEqual([]);
    expect(logged).toEqual([]);
  });

  it("renews its file every half a minute, and when the server changes", async () => {
    const beat = heartbeat();
    await beat.start();
    const renewed = async () => (await driver.stat(nodePath(beat.id))).modifiedMs - START;
    pass(29_000);
    await beat.look();
    expect(await renewed()).toBe(0);
    pass(1_000);
    await beat.look();
    expect(await renewed()).toBe(30_000);
    pass(1_000);
    isReadOnly = true;
    beat.changed();
    await beat.look();
    expect(await renewed()).toBe(31_000);
    expect(await liveNodes(driver, machine)).toMatchObject([{ readOnly: true }]);
  });

  it("removes what earlier servers of this machine have left", async () => {
    await heartbeat().start();
    const second = heartbeat();
    await second.start();
    expect((await liveNodes(driver, machine)).map(({ id }) => id)).toEqual([second.id]);
  });

  it("obeys a request to all servers, and acknowledges it only when it is obeyed", async () => {
    let obeyed = (): void => {};
    const beat = heartbeat((hold) => {
      holds.push(hold);
      if (hold === undefined) return Promise.resolve();
      return new Promise<void>((resolve) => {
        obeyed = resolve;
      });
    });
    await beat.start();
    await request();
    const looking = beat.look();
    await new Promise((resolve) => setImmediate(resolve));
    expect(holds).toEqual([{ id: "r", reason: "a collection (root on b, for all servers)", drainMs: 7 }]);
    expect((await liveNodes(driver, machine))[0]?.acknowledged).toBeUndefined();
    obeyed();
    await looking;
    expect(await liveNodes(driver, machine)).toMatchObject([{ acknowledged: "r", readOnly: true }]);

    await withdrawFromNodes(driver, "r");
    await beat.look();
    expect(holds.at(-1)).toBeUndefined();
    expect((await liveNodes(driver, machine))[0]).toMatchObject({ readOnly: false });
    expect((await liveNodes(driver, machine))[0]?.acknowledged).toBeUndefined();
  });

  it("tries again what could not be obeyed, and acknowledges nothing meanwhile", async () => {
    let fails = true;
    const beat = heartbeat(async (hold) => {
      if (fails) throw new Error("a worker does not answer");
      holds.push(hold);
    });
    await beat.start();
    await request();
    await expect(beat.look()).rejects.toThrow("a worker does not answer");
    expect((await liveNodes(driver, machine))[0]?.acknowledged).toBeUndefined();
    fails = false;
    await beat.look();
    expect(holds).toHaveLength(1);
  });

  it("begins with a request that lies there, and has acknowledged it then", async () => {
    await request();
    const beat = heartbeat();
    expect(await beat.start()).toMatchObject({ id: "r" });
    expect(await liveNodes(driver, machine)).toMatchObject([{ acknowledged: "r" }]);
    expect(holds).toEqual([]);
  });

  it("ends a request at its time by the store's clock, also if its own is wrong", async () => {
    nowMs += 3 * 3_600_000;
    const beat = heartbeat();
    await beat.start();
    await request({ forMs: 10 * MINUTE });
    await beat.look();
    pass(10 * MINUTE - 1);
    await beat.look();
    expect(holds).toMatchObject([{ id: "r" }]);
    pass(1);
    await beat.look();
    expect(holds.at(-1)).toBeUndefined();
    await expect(driver.get(NODES_REQUEST_PATH)).rejects.toThrow();
  });

  it("goes on with a request that is written once more before its time is over", async () => {
    const beat = heartbeat();
    await beat.start();
    await request({ forMs: MINUTE });
    await beat.look();
    pass(50_000);
    await request({ forMs: MINUTE });
    pass(50_000);
    await beat.look();
    expect(holds).toMatchObject([{ id: "r" }]);
    pass(10_000);
    await beat.look();
    expect(holds.at(-1)).toBeUndefined();
  });

  it("tells at once that the server refuses writes", async () => {
    const beat = heartbeat();
    await beat.start();
    isReadOnly = true;
    beat.changed();
    await vi.waitFor(async () =>
      expect(await liveNodes(driver, machine)).toMatchObject([{ id: beat.id, readOnly: true }]),
    );
  });

  it("keeps to what was so when the request cannot be read", async () => {
    const beat = heartbeat();
    await beat.start();
    await request();
    await beat.look();
    const get = driver.get.bind(driver);
    driver.get = async () => {
      throw new StorageUnavailableError("the store is away");
    };
    await beat.look();
    await beat.look();
    expect(holds).toHaveLength(1);
    expect(logged.filter(({ level }) => level === "warn")).toHaveLength(2);
    driver.get = get;
    await withdrawFromNodes(driver, "r");
    await beat.look();
    expect(holds).toMatchObject([{ id: "r" }, undefined].slice(0, holds.length));
    expect(holds.at(-1)).toBeUndefined();
  });

  it("takes no writes at its start as long as somebody works on the store, whoever it is", async () => {
    const taken = await lock({ ...TEST_HOLDER, pid: 4711 });
    const beat = heartbeat();
    expect(await beat.start()).toMatchObject({
      reason: expect.stringContaining("process 4711"),
      drainMs: 0,
    });
    await beat.look();
    expect(holds).toEqual([]);
    await taken.release();
    await beat.look();
    expect(holds).toEqual([undefined]);
  });

  it("does not mind a lock that is taken while it is known", async () => {
    const beat = heartbeat();
    await beat.start();
    await lock();
    for (let count = 0; count < 30; count++) {
      pass(5_000);
      await beat.look();
    }
    expect(holds).toEqual([]);
  });

  it("is seen by whoever takes the lock while it starts, or sees the lock", async () => {
    // The lock comes just before the file is written: the server looks after that.
    const put = driver.put.bind(driver);
    driver.put = async (path, content) => {
      if (path.startsWith(NODES_FOLDER) && locks.length === 0) await lock();
      await put(path, content);
    };
    expect(await heartbeat().start()).toMatchObject({ id: expect.stringMatching(/^lock-/) });
  });

  it("looks at the lock again after a sleep of the machine, as others took it for gone", async () => {
    const beat = heartbeat();
    await beat.start();
    pass(NODE_STALE_MS + MINUTE);
    const taken = await lock();
    await beat.look();
    expect(holds).toMatchObject([{ reason: expect.stringContaining("on other") }]);
    await taken.release();
    await beat.look();
    expect(holds.at(-1)).toBeUndefined();
  });

  it("is seen, or sees the lock, also when both come at the same moment after such a sleep", async () => {
    const beat = heartbeat();
    await beat.start();
    pass(NODE_STALE_MS + MINUTE);
    const put = driver.put.bind(driver);
    driver.put = async (path, content) => {
      if (path.startsWith(NODES_FOLDER) && locks.length === 0) await lock();
      await put(path, content);
    };
    await beat.look();
    expect(holds).toMatchObject([{ reason: expect.stringContaining("on other") }]);
  });

  it("goes on refusing writes when the lock that it waits for cannot be read", async () => {
    const taken = await lock();
    const beat = heartbeat();
    await beat.start();
    const get = driver.get.bind(driver);
    driver.get = async (path, maxBytes) => {
      if (path === STORE_LOCK_PATH) throw new StorageUnavailableError("the store is away");
      return get(path, maxBytes);
    };
    await beat.look();
    expect(holds).toEqual([]);
    driver.get = get;
    await taken.release();
    await beat.look();
    expect(holds).toEqual([undefined]);
  });

  it("leaves this machine's own lock out then: who works from here asks the server itself", async () => {
    const beat = heartbeat();
    await beat.start();
    await lock({ ...TEST_HOLDER, pid: 4711 });
    pass(NODE_STALE_MS + MINUTE);
    await beat.look();
    expect(holds).toEqual([]);
  });

  it("serves where it cannot write its file, says so once, and minds the locks of others", async () => {
    const put = driver.put.bind(driver);
    driver.put = async (path, content) => {
      if (path.startsWith(NODES_FOLDER)) throw new StorageFullError("no room");
      await put(path, content);
    };
    const beat = heartbeat();
    expect(await beat.start()).toBeUndefined();
    for (let count = 0; count < 3; count++) {
      pass(MINUTE);
      await beat.look();
    }
    expect(logged.map(({ level }) => level)).toEqual(["warn"]);
    await lock();
    await beat.look();
    expect(holds).toHaveLength(1);
    driver.put = put;
    await driver.delete(STORE_LOCK_PATH);
    await beat.look();
    expect(holds.at(-1)).toBeUndefined();
    expect(await liveNodes(driver, machine)).toHaveLength(1);
  });
});
