import { join } from "node:path";
import { type Measured, measureProgram } from "./measure-program.ts";
import { type Collector, describeStore, type Store } from "./measured-programs.ts";
import { runProgram } from "./run-program.ts";
import { type Summary, summarize } from "./summary.ts";
import type { TreeShape } from "./tree-shape.ts";
import { removeFolder } from "./work-folder.ts";
import { measureOurDryRuns, measureOurRealRun, newStateFolder, type Workbench } from "./workbench.ts";
import { writeTreeByProcesses } from "./write-tree.ts";

/** How often to measure, and what beside ours. */
export interface SideBySideOptions {
  dryRuns: number;
  realRuns: number;
  /** The Go registry, if it is installed. */
  go: Collector | undefined;
  goLimitSeconds: number;
}

/** What the runs of each kind took; undefined where there were none. */
export interface SideBySideResult {
  shape: TreeShape;
  files: number;
  cold: Summary | undefined;
  warm: Summary | undefined;
  goDryRun: Summary | undefined;
  real: Summary | undefined;
  goReal: Summary | undefined;
  /** Files that the last real run left; undefined if there was none. */
  left: number | undefined;
  goLeft: number | undefined;
}

/**
 * Measures a collection with `-m` by ours and by the Go registry on one tree, in turn, with a warm page cache: dry runs
 * on the tree itself, real runs on copies. Once the Go registry has exceeded its time limit it is not run again.
 *
 * @throws {Error} if a program fails
 */
export async function measureSideBySide(
  shape: TreeShape,
  options: SideBySideOptions,
  workbench: Workbench,
): Promise<SideBySideResult> {
  const store = await describeStore(join(workbench.folder, "tree"));
  workbench.onStep("writing the tree");
  const files = await writeTreeByProcesses(store.root, shape, workbench.signal);
  const goDryRuns: Measured[] = [];
  const dryRuns = await measureOurDryRuns(store, options.dryRuns, workbench, async (round) => {
    if (options.go === undefined || hasFailed(goDryRuns)) return;
    workbench.onStep(`dry run ${round} of ${options.dryRuns}: docker-registry`);
    goDryRuns.push(await measureGo(options.go, store, true, options, workbench));
  });
  const go = hasFailed(goDryRuns) ? undefined : options.go;
  const realRuns = await measureRealRuns(store, { ...options, go }, workbench);
  await removeFolder(store.root);
  return {
    shape,
    files,
    cold: summarize(dryRuns.cold),
    warm: summarize(dryRuns.warm),
    goDryRun: summarize(goDryRuns),
    ...realRuns,
  };
}

async function measureRealRuns(
  store: Store,
  options: SideBySideOptions,
  workbench: Workbench,
): Promise<Pick<SideBySideResult, "real" | "goReal" | "left" | "goLeft">> {
  const runs: Measured[] = [];
  const goRuns: Measured[] = [];
  let left: number | undefined;
  let goLeft: number | undefined;
  const { go, realRuns } = options;
  for (let round = 1; round <= realRuns; round++) {
    workbench.onStep(`real run ${round} of ${realRuns}: registry-ctl`);
    left = await collectCopy(store, workbench, async (copy) => {
      runs.push(await measureOurRealRun(copy, workbench));
    });
    if (go === undefined || hasFailed(goRuns)) continue;
    workbench.onStep(`real run ${round} of ${realRuns}: docker-registry`);
    goLeft = await collectCopy(store, workbench, async (copy) => {
      goRuns.push(await measureGo(go, copy, false, options, workbench));
    });
  }
  return { real: summarize(runs), goReal: summarize(goRuns), left, goLeft };
}

async function measureGo(
  go: Collector,
  store: Store,
  dryRun: boolean,
  { goLimitSeconds }: SideBySideOptions,
  workbench: Workbench,
): Promise<Measured> {
  const command = go.command(store, await newStateFolder(workbench), { dryRun });
  return measureProgram(command, { signal: workbench.signal, limitSeconds: goLimitSeconds });
}

/**
 * Calls `collect` with a copy of the store that is on the disk and in the page cache.
 *
 * @returns how many files are left
 */
async function collectCopy(
  store: Store,
  { signal }: Workbench,
  collect: (copy: Store) => Promise<void>,
): Promise<number> {
  const copy = await describeStore(`${store.root}-copy`);
  await runProgram(["cp", "-a", store.root, copy.root], signal);
  // Otherwise the disk would still be busy with the copy while the program runs.
  await runProgram(["sync"], signal);
  await collect(copy);
  const files = await runProgram(["find", copy.root, "-type", "f", "-printf", "x"], signal);
  await removeFolder(copy.root);
  return files.length;
}

function hasFailed(runs: readonly Measured[]): boolean {
  return runs.at(-1)?.finished === false;
}
