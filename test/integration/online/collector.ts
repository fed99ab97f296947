import { RegistryCtlError } from "../../../src/errors.ts";
import { RunLostError } from "../../../src/registry/apply/run-lost-error.ts";
import type { SliceGate } from "../../../src/registry/apply/slice-gate.ts";
import { Sweep } from "../../../src/registry/apply/sweep.ts";
import { planCollection } from "../../../src/registry/plan/plan-collection.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";

const PLANS = 3;

/** Collects as the command does, without lock and journal. */
export async function collectOnce(
  gate: SliceGate,
  driver: StorageDriver,
  deleteUntagged: boolean,
): Promise<void> {
  let slices = 0;
  for (let plans = 1; ; plans++) {
    try {
      await gate.begin();
      const plan = await planCollection(driver, {
        rules: {
          deleteUntagged,
          keepWrittenAfterMs: Number.POSITIVE_INFINITY,
          agesMatter: false,
          keepUntaggedAfterMs: Number.POSITIVE_INFINITY,
        },
        concurrency: 4,
        isLive: true,
      });
      const sweep = new Sweep(driver, plan, {
        concurrency: 4,
        temporaryBeforeMs: 0,
        gated: {
          gate,
          nextSlice: () => ++slices,
          nowMs: Date.now,
          plannedFromMs: Number.POSITIVE_INFINITY,
        },
      });
      await sweep.run();
      return;
    } catch (error) {
      if (error instanceof RunLostError && plans < PLANS) continue;
      // It stops cleanly: another run goes on.
      if (error instanceof RegistryCtlError) return;
      throw error;
    }
  }
}
