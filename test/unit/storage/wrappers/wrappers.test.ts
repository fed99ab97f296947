import { describe, expect, it } from "vitest";
import { PathNotFoundError, StorageUnavailableError } from "../../../../src/errors.ts";
import { canScan, hasFastReads, hasSmallReads, hasStoreClock } from "../../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { ReadOnlyStoreError } from "../../../../src/storage/errors.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { openDriver } from "../../../../src/storage/open-driver.ts";
import { countDriver } from "../../../../src/storage/wrappers/count/count-driver.ts";
import { limitDriver } from "../../../../src/storage/wrappers/limit/limit-driver.ts";
import { readOnlyDriver } from "../../../../src/storage/wrappers/read-only/read-only-driver.ts";
import { retryDriver } from "../../../../src/storage/wrappers/retry/retry-driver.ts";

const busy = () =>
  new StorageUnavailableError("busy", { cause: Object.assign(new Error("busy"), { code: "EMFILE" }) });

/** A driver whose named method fails so many times before (or after) it does its work. */
function failing(
  inner: MemoryDriver,
  method: "get" | "delete" | "move",
  times: number,
  after = false,
): StorageDriver {
  let left = times;
  return new Proxy<StorageDriver>(inner, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if (property !== method || left-- <= 0) return Reflect.apply(value, target, args);
        if (after) await Reflect.apply(value, target, args);
        throw busy();
      };
    },
  });
}

describe("the retry wrapper", () => {
  const delays: number[] = [];
  const options = { sleep: async (ms: number) => void delays.push(ms), random: () => 1, firstDelayMs: 10 };

  it("tries a read again, waiting longer each time, and gives up in the end", async () => {
    const inner = new MemoryDriver();
    await inner.put("/f", Buffer.from("x"));
    delays.length = 0;
    expect((await retryDriver(failing(inner, "get", 3), options).get("/f")).length).toBe(1);
    expect(delays).toEqual([10, 20, 40]);
    await expect(retryDriver(failing(inner, "get", 4), options).get("/f")).rejects.toThrow("busy");
  });

  it("takes a file that is missing at the second attempt to delete it as deleted", async () => {
    const inner = new MemoryDriver();
    await inner.put("/f", Buffer.from("x"));
    await retryDriver(failing(inner, "delete", 1, true), options).delete("/f");
    await expect(retryDriver(inner, options).delete("/f")).rejects.toThrow(PathNotFoundError);
  });

  it("does not repeat a move, nor a failure that will not pass", async () => {
    const inner = new MemoryDriver();
    await inner.put("/f", Buffer.from("x"));
    delays.length = 0;
    await expect(retryDriver(failing(inner, "move", 1), options).move("/f", "/g")).rejects.toThrow("busy");
    await expect(retryDriver(inner, options).get("/missing")).rejects.toThrow(PathNotFoundError);
    expect(delays).toEqual([]);
  });

  it("goes on with a walk behind the last file it gave", async () => {
    const inner = new MemoryDriver();
    for (const path of ["/a/x", "/a0", "/b"]) await inner.put(path, Buffer.from("x"));
    let failures = 2;
    const flaky = Object.assign(Object.create(inner), {
      async *walk(path: string) {
        for await (const file of inner.walk(path)) {
          yield file;
          if (failures-- > 0) throw busy();
        }
      },
    });
    const walked: string[] = [];
    for await (const file of retryDriver(flaky, options).walk("/")) walked.push(file.path);
    expect(walked).toEqual(["/a/x", "/a0", "/b"]);
  });
});

describe("the limit wrapper", () => {
  it("never runs more operations than allowed, and runs them all", async () => {
    let running = 0;
    let most = 0;
    const inner = Object.assign(new MemoryDriver(), {
      get: async () => {
        running++;
        most = Math.max(most, running);
        await new Promise(setImmediate);
        running--;
        return new Uint8Array(1);
      },
    });
    const driver = limitDriver(inner, 3);
    const got = await Promise.all(Array.from({ length: 20 }, () => driver.get("/f")));
    expect(got.length).toBe(20);
    expect(most).toBe(3);
  });

  it("lets others work while streams, writers and walks wait for their users", async () => {
    const driver = limitDriver(new MemoryDriver(), 1);
    await driver.put("/f", Buffer.from("x"));
    await driver.read("/f");
    const writer = await driver.openWriter("/g");
    for await (const _ of driver.walk("/")) await driver.get("/f");
    await writer.cancel();
  });
});

describe("the read-only wrapper", () => {
  it("refuses every change and every ability that changes something", async () => {
    const inner = new MemoryDriver();
    await inner.put("/f", Buffer.from("x"));
    const driver = readOnlyDriver(inner);
    const changes: Record<string, () => Promise<unknown>> = {
      put: () => driver.put("/f", Buffer.from("y")),
      openWriter: () => driver.openWriter("/f"),
      move: () => driver.move("/f", "/g"),
      delete: () => driver.delete("/f"),
    };
    if ("deleteMany" in driver)
      changes["deleteMany"] = () => Reflect.apply(Object(driver).deleteMany, driver, [["/f"]]);
    if ("putIfAbsent" in driver) {
      changes["putIfAbsent"] = () =>
        Reflect.apply(Object(driver).putIfAbsent, driver, ["/g", Buffer.from("y")]);
    }
    if ("setModified" in driver)
      changes["setModified"] = () => Reflect.apply(Object(driver).setModified, driver, ["/f", 0]);
    expect(Object.keys(changes).length).toBe(7);
    for (const [name, change] of Object.entries(changes)) {
      await expect(change(), name).rejects.toThrow(ReadOnlyStoreError);
    }
    expect(Buffer.from(await inner.get("/f")).toString()).toBe("x");
  });
});

describe("wrapped drivers", () => {
  it("have the abilities that the driver inside has, and no others", async () => {
    for (const wrapped of [retryDriver(new MemoryDriver()), limitDriver(new MemoryDriver(), 1)]) {
      expect([canScan(wrapped), hasSmallReads(wrapped), hasStoreClock(wrapped)]).toEqual([true, true, true]);
      expect(hasFastReads(wrapped)).toBe(false);
    }
    const onDisk = await openDriver({ driver: "filesystem", rootDirectory: "/nonexistent", maxThreads: 25 });
    expect(hasFastReads(onDisk)).toBe(true);
    expect(hasStoreClock(await openDriver({ driver: "inmemory" }, { readOnly: true }))).toBe(false);
  });

  it("are counted by call and by byte", async () => {
    const { driver, counts } = countDriver(new MemoryDriver());
    await driver.put("/f", Buffer.from("12345"));
    await driver.get("/f");
    for await (const _ of await driver.read("/f", { offset: 2 }));
    await expect(driver.get("/missing")).rejects.toThrow();
    expect(counts).toEqual({ calls: { put: 1, get: 2, read: 1 }, readBytes: 8, writtenBytes: 5 });
  });
});
