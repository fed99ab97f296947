import { expect, it } from "vitest";
import { leaseTimeMs } from "../../../src/process/lease-time.ts";
import { UNDECIDED_MS } from "../../../src/registry/apply/slice-gate.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { RemoteStore } from "../../support/remote-store.ts";

const DAY_MS = 86_400_000;

it("leases hold as long as the configuration says, on object stores for longer than a link may come late", () => {
  const local = new MemoryDriver();
  const remote = new RemoteStore().driver;
  expect([0, 1000, DAY_MS].map((ms) => leaseTimeMs(ms, local))).toEqual([0, 1000, DAY_MS]);
  expect(leaseTimeMs(0, remote)).toBeGreaterThan(2 * UNDECIDED_MS);
  expect(leaseTimeMs(DAY_MS, remote)).toBe(DAY_MS);
});
