import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { type Measured, measureProgram } from "./measure-program.ts";
import type { Collector, Store } from "./measured-programs.ts";

/** What all measurements of one run of the bench share. */
export interface Workbench {
  /** Where trees, copies and state folders go. */
  folder: string;
  ours: Collector;
  signal: AbortSignal;
  /** Called with a line about what is being done. */
  onStep: (step: string) => void;
}

/** A state folder that nothing has been remembered in. */
export function newStateFolder({ folder }: Workbench): Promise<string> {
  return mkdtemp(join(folder, "state-"));
}

/** What dry runs of ours took, without and with a manifest cache. */
export interface OurDryRuns {
  cold: Measured[];
  warm: Measured[];
}

/**
 * Measures dry runs of ours, after one that brings the tree into the page cache.
 *
 * @param between - called with the number of each round, from 1, after ours of that round
 */
export async function measureOurDryRuns(
  store: Store,
  rounds: number,
  workbench: Workbench,
  between: (round: number) => Promise<void> = async () => undefined,
): Promise<OurDryRuns> {
  const { ours, signal, onStep } = workbench;
  const dryRun = (stateFolder: string) =>
    measureProgram(ours.command(store, stateFolder, { dryRun: true }), { signal });
  const runs: OurDryRuns = { cold: [], warm: [] };
  const keptState = await newStateFolder(workbench);
  onStep("reading everything once");
  await dryRun(keptState);
  for (let round = 1; round <= rounds; round++) {
    onStep(`dry run ${round} of ${rounds}: registry-ctl`);
    runs.cold.push(await dryRun(await newStateFolder(workbench)));
    runs.warm.push(await dryRun(keptState));
    await between(round);
  }
  return runs;
}

/** Measures one real run of ours, without a manifest cache. */
export async function measureOurRealRun(store: Store, workbench: Workbench): Promise<Measured> {
  const { ours, signal } = workbench;
  const stateFolder = await newStateFolder(workbench);
  return measureProgram(ours.command(store, stateFolder, { dryRun: false }), { signal });
}
