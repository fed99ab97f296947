import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { REGISTRY_CTL_PATH } from "../test/support/serve-process.ts";
import { buildIfNeeded } from "./gc/build-if-needed.ts";
import { type Collector, describeStore, findOurCollector } from "./gc/measured-programs.ts";
import { renderChecks, renderMachine, renderRuns } from "./gc/report.ts";
import { runProgram } from "./gc/run-program.ts";
import { type Summary, summarize } from "./gc/summary.ts";
import { type Check, isMet } from "./gc/targets.ts";
import { TREE_M } from "./gc/tree-shape.ts";
import { withWorkFolder } from "./gc/work-folder.ts";
import { measureOurDryRuns, type Workbench } from "./gc/workbench.ts";
import { writeTreeByProcesses } from "./gc/write-tree.ts";
import { describeBucket, makeTreeBucket } from "./s3/bench-bucket.ts";
import { TREE_S } from "./s3/gc-options.ts";
import { withGateway } from "./s3/with-gateway.ts";

const MAX_PEAK_BYTES = 300 * 1024 ** 2;

/** What the runs of one tree took. */
interface Runs {
  cold: Summary | undefined;
  warm: Summary | undefined;
}

/**
 * Measures `usage` on tree M on a disk, or with `--driver s3` on tree S in a bucket of a gateway of its own. Exit code 1 if a
 * target is missed.
 *
 * @throws {Error} if a flag is wrong or a program fails
 */
export async function usage(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      driver: { type: "string", default: "filesystem" },
      runs: { type: "string", default: "3" },
      folder: { type: "string", default: tmpdir() },
    },
  });
  const rounds = Number(values.runs);
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    throw new Error(`--runs ${values.runs}: expected a number`);
  const isOnS3 = values.driver === "s3";
  await withWorkFolder(values.folder, async (folder, signal) => {
    const onStep = (step: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${step}`);
    await buildIfNeeded(signal, onStep);
    const { version } = await findOurCollector(signal);
    const workbench = { folder, ours: usageCommand(version), signal, onStep };
    console.log(`${renderMachine(version, undefined)}\n`);
    const runs = isOnS3 ? await onS3(rounds, workbench) : await onDisk(rounds, workbench);
    console.log(`${renderRuns(`usage, tree ${isOnS3 ? "S in a bucket" : "M"}`, runs.cold, runs.warm)}\n`);
    const checks = isOnS3 ? checksOf(runs, 8, 8) : checksOf(runs, 5, 2.5);
    console.log(renderChecks(checks));
    if (!checks.every(isMet)) process.exitCode = 1;
  });
}

/** Stands in for a collector, so that it is measured in the same way. */
function usageCommand(version: string): Collector {
  return {
    version,
    command: (store, stateFolder) => [
      ...[process.execPath, REGISTRY_CTL_PATH, "usage", "--top", "20"],
      ...["--state-dir", stateFolder, store.configPath],
    ],
  };
}

async function onDisk(rounds: number, workbench: Workbench): Promise<Runs> {
  const { folder, signal, onStep } = workbench;
  const store = await describeStore(join(folder, "tree"));
  onStep("writing the tree");
  await writeTreeByProcesses(store.root, TREE_M, signal);
  onStep("making it look old: what is young costs less");
  await runProgram(
    ["find", store.root, "-type", "f", "-exec", "touch", "-d", "2026-01-01", "{}", "+"],
    signal,
  );
  return summarized(await measureOurDryRuns(store, rounds, workbench));
}

async function onS3(rounds: number, workbench: Workbench): Promise<Runs> {
  const { folder, signal, onStep } = workbench;
  return withGateway("18.2", async (rgw) => {
    onStep("writing the tree");
    const { bucket } = await makeTreeBucket(rgw, TREE_S, signal);
    return summarized(await measureOurDryRuns(await describeBucket(bucket, folder), rounds, workbench));
  });
}

function summarized({ cold, warm }: Awaited<ReturnType<typeof measureOurDryRuns>>): Runs {
  return { cold: summarize(cold), warm: summarize(warm) };
}

function checksOf({ cold, warm }: Runs, coldSeconds: number, warmSeconds: number): Check[] {
  const seconds = (what: string, summary: Summary | undefined, limit: number): Check => ({
    ...{ what, measured: summary?.medianSeconds ?? Number.NaN, limit, unit: "seconds", good: "less" },
  });
  const peak = Math.max(cold?.peakBytes ?? 0, warm?.peakBytes ?? 0);
  return [
    seconds("without a manifest cache", cold, coldSeconds),
    seconds("with a manifest cache", warm, warmSeconds),
    { what: "peak memory", measured: peak, limit: MAX_PEAK_BYTES, unit: "bytes", good: "less" },
  ];
}
