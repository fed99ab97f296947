import { describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../../src/errors.ts";
import { requireAlone } from "../../../../src/process/control/require-alone.ts";
import type { NodeRecord } from "../../../../src/state/node-record.ts";
import { nodePath } from "../../../../src/state/nodes.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";

const HERE = { host: "h", bootId: "boot", pidNamespace: "pid:[1]" };
const NOW = new Date().toISOString();
const EARLIER = new Date(Date.now() - 3_600_000).toISOString();
/** A process that lives, and is not this one. */
const OTHER_PID = process.ppid;

describe("a server that starts", () => {
  const machine = { ...HERE, pid: process.pid, isAlive: (pid: number) => pid !== 99 };

  async function storeWith(...nodes: Partial<NodeRecord>[]): Promise<MemoryDriver> {
    const driver = new MemoryDriver();
    for (const [index, node] of nodes.entries()) {
      const record: NodeRecord = {
        ...{ schemaVersion: 1, id: `n${index}`, ...HERE, pid: OTHER_PID, address: "http://a:1/" },
        ...{ version: "1", startedAt: NOW, readOnly: false },
        ...node,
      };
      await driver.put(nodePath(record.id), Buffer.from(JSON.stringify(record)));
    }
    return driver;
  }

  const own = { id: "own", pid: process.pid };
  const start = (driver: MemoryDriver): Promise<void> => requireAlone(driver, { id: "own", machine });

  it("goes on if it is alone, or others are on other machines", async () => {
    await start(await storeWith(own));
    await start(await storeWith(own, { bootId: "another" }, { pidNamespace: "pid:[2]" }));
  });

  it("is refused where another one serves, with its process and since when", async () => {
    const driver = await storeWith(own, { startedAt: EARLIER, pid: 1 });
    const refused = await start(driver).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RegistryStateError);
    expect(refused).toMatchObject({
      message: `process 1 has been serving this store at http://a:1/ since ${EARLIER}`,
    });
  });

  it("takes no notice of a server that was killed", async () => {
    await start(await storeWith(own, { pid: 99 }));
  });

  it("takes no notice of a server whose number a later process has", async () => {
    await start(await storeWith(own, { pid: OTHER_PID, startedAt: "2001-01-01T00:00:00.000Z" }));
  });

  it("waits for one that began later to give way, and is refused if it does not", async () => {
    const later = new Date(Date.now() + 1000).toISOString();
    const driver = await storeWith(own, { id: "later", startedAt: later });
    const started = start(driver);
    setTimeout(() => void driver.delete(nodePath("later")), 50);
    await started;
    await expect(start(await storeWith(own, { startedAt: later }))).rejects.toThrow(RegistryStateError);
  });

  it("is refused if its own file could not be written, so that the other cannot know of it", async () => {
    await expect(start(await storeWith({ startedAt: NOW }))).rejects.toThrow(RegistryStateError);
  });
});
