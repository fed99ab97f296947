import { beforeEach, describe, expect, it } from "vitest";
import { PathNotFoundError, StorageUnavailableError } from "../../../src/errors.ts";
import { OutageWatch } from "../../../src/registry/outage-watch.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";

let nowMs: number;
let outcome: (path: string) => Error | undefined;
let watch: OutageWatch;

beforeEach(() => {
  nowMs = 1_000_000;
  outcome = () => new StorageUnavailableError("no answer");
  class Store extends MemoryDriver {
    override get(path: string): Promise<Uint8Array> {
      const error = outcome(path);
      return error ? Promise.reject(error) : Promise.resolve(Buffer.from(path));
    }
  }
  watch = new OutageWatch(new Store(), undefined, () => nowMs);
});

/** Begins reads at the same moment; they end so much later. */
async function read(paths: readonly string[], afterMs: number): Promise<void> {
  const reads = paths.map((path) => watch.driver.get(path).catch(() => undefined));
  nowMs += afterMs;
  await Promise.all(reads);
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `/${index}`);

describe("an outage", () => {
  it("is a store that answers none of a few reads for long", async () => {
    await read(many(2), 25_000);
    expect(() => watch.check()).not.toThrow();
    await read(many(1), 0);
    expect(() => watch.check()).toThrow("no answer");
    expect(watch.signal.aborted).toBe(true);
  });

  it("is a store that refuses hundreds of reads at once", async () => {
    await read(many(199), 10);
    expect(watch.signal.aborted).toBe(false);
    await read(many(1), 10);
    expect(watch.signal.aborted).toBe(true);
  });

  it("is none where some reads are slow to fail and others succeed, or find nothing", async () => {
    outcome = (path) => {
      if (path === "/good") return undefined;
      return path === "/none" ? new PathNotFoundError("memory", path) : new StorageUnavailableError("stuck");
    };
    for (const other of ["/good", "/none", "/good"]) await read([...many(2), other], 25_000);
    expect(watch.signal.aborted).toBe(false);
  });

  it("is none where nothing was read for long before a few failures", async () => {
    await read(["/1"], 0);
    outcome = () => undefined;
    await read(["/good"], 0);
    nowMs += 1_000_000;
    outcome = () => new StorageUnavailableError("denied");
    await read(many(50), 10);
    expect(watch.signal.aborted).toBe(false);
  });
});
