import { join } from "node:path";
import { describeStore } from "./measured-programs.ts";
import { runProgram } from "./run-program.ts";
import { type Summary, summarize } from "./summary.ts";
import { pushesPerRepository, type TreeShape } from "./tree-shape.ts";
import { removeFolder } from "./work-folder.ts";
import { measureOurDryRuns, measureOurRealRun, type Workbench } from "./workbench.ts";
import { writeTreeByProcesses } from "./write-tree.ts";

/** What a collection with `-m` by ours took on one tree of a growing row. */
export interface ScalingResult {
  manifests: number;
  files: number;
  cold: Summary | undefined;
  warm: Summary | undefined;
  /** One run, on the tree itself. */
  real: Summary | undefined;
}

/**
 * Measures trees of more and more repositories of one kind.
 *
 * @param manifests - how many each tree is to have
 * @throws {Error} if the program fails
 */
export async function measureScaling(
  shape: TreeShape,
  manifests: readonly number[],
  dryRuns: number,
  workbench: Workbench,
): Promise<ScalingResult[]> {
  const results: ScalingResult[] = [];
  for (const count of manifests) {
    const repositories = Math.ceil(count / pushesPerRepository(shape));
    workbench.onStep(`writing a tree of ${count} manifests`);
    results.push(await measureTree({ ...shape, repositories }, count, dryRuns, workbench));
  }
  return results;
}

async function measureTree(
  shape: TreeShape,
  manifests: number,
  dryRuns: number,
  workbench: Workbench,
): Promise<ScalingResult> {
  const store = await describeStore(join(workbench.folder, "scaling"));
  const files = await writeTreeByProcesses(store.root, shape, workbench.signal);
  await runProgram(["sync"], workbench.signal);
  const { cold, warm } = await measureOurDryRuns(store, dryRuns, workbench);
  workbench.onStep("real run");
  const real = await measureOurRealRun(store, workbench);
  await removeFolder(store.root);
  return { manifests, files, cold: summarize(cold), warm: summarize(warm), real: summarize([real]) };
}
