import { parseArgs } from "node:util";
import { type BenchOptions, type Measurement, parseBenchOptions } from "./gc/bench-options.ts";
import { buildIfNeeded } from "./gc/build-if-needed.ts";
import { findGoCollector, findOurCollector } from "./gc/measured-programs.ts";
import { renderChecks, renderMachine, renderScaling, renderSideBySide } from "./gc/report.ts";
import { measureScaling } from "./gc/scaling.ts";
import { measureSideBySide, type SideBySideOptions } from "./gc/side-by-side.ts";
import { type Check, checkScaling, checkSideBySide, isMet, TARGETS_K, TARGETS_M } from "./gc/targets.ts";
import { TREE_K, TREE_M } from "./gc/tree-shape.ts";
import { withWorkFolder } from "./gc/work-folder.ts";
import type { Workbench } from "./gc/workbench.ts";

const SCALING_MANIFESTS = [10_000, 30_000, 100_000];

/**
 * Measures `garbage-collect -m` beside the Go registry's on synthetic trees, and prints tables. Exit code 1 if a target
 * is missed.
 *
 * @param args - flags, as `gc/bench-options.ts` tells; with `--driver s3` those of `s3/gc-options.ts`
 * @throws {Error} if a flag is wrong or a program fails
 */
export async function gc(args: readonly string[]): Promise<void> {
  if (isOnS3(args)) return (await import("./gc-s3.ts")).gcS3(args);
  const options = parseBenchOptions(args);
  await withWorkFolder(options.folder, async (folder, signal) => {
    const onStep = (step: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${step}`);
    await buildIfNeeded(signal, onStep);
    const workbench = { folder, ours: await findOurCollector(signal), signal, onStep };
    const go = await findGoCollector(signal);
    console.log(`${renderMachine(workbench.ours.version, go?.version)}\n`);
    const checks: Check[] = [];
    for (const measurement of options.measurements)
      checks.push(...(await measure(measurement, { ...options, go }, workbench)));
    console.log(renderChecks(checks));
    if (!checks.every(isMet)) process.exitCode = 1;
  });
}

/** Whether `--driver s3` is asked for. */
function isOnS3(args: readonly string[]): boolean {
  const { values } = parseArgs({
    args: [...args],
    options: { driver: { type: "string", default: "filesystem" } },
    strict: false,
  });
  return values.driver === "s3";
}

/** Measures and prints one tree or row of trees. @returns its targets */
async function measure(
  name: Measurement,
  options: BenchOptions & SideBySideOptions,
  workbench: Workbench,
): Promise<Check[]> {
  const { seed } = options;
  if (name === "scaling") {
    const results = await measureScaling({ ...TREE_M, seed }, SCALING_MANIFESTS, options.dryRuns, workbench);
    console.log(`Repositories as in tree M, more and more of them\n${renderScaling(results)}\n`);
    return checkScaling(results);
  }
  const [shape, targets] = name === "M" ? [TREE_M, TARGETS_M] : [TREE_K, TARGETS_K];
  const result = await measureSideBySide({ ...shape, seed }, options, workbench);
  console.log(`${renderSideBySide(`Tree ${name}`, result)}\n`);
  return checkSideBySide(result, targets).map((check) => ({ ...check, what: `${name}: ${check.what}` }));
}
