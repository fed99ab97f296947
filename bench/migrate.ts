import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { renderTable } from "../src/ui/table.ts";
import { CEPH_VERSIONS } from "../test/support/ceph/ceph-versions.ts";
import { renderChecks } from "./gc/report.ts";
import { type Check, isMet } from "./gc/targets.ts";
import { withWorkFolder } from "./gc/work-folder.ts";
import { awsCopier, type Copier, ourCopier, rcloneCopier } from "./migrate/copiers.ts";
import { type MillionResult, measureMillion } from "./migrate/measure-million.ts";
import { type CopierResult, measureCopiers } from "./migrate/side-by-side.ts";
import { STORE_1M, STORE_20K, writeStore } from "./migrate/write-store.ts";

const USAGE =
  "usage: migrate [--rgw 18.2|16.2] [--runs N] [--no-million] [--copy-seconds N] [--folder FOLDER]";

/** What the aim is, as shares of what `aws s3 sync` and rclone take. */
const AWS_TIMES = 3;
const RCLONE_TIMES = 1.8;
const CPU_TIMES = 3;
const MAX_MEMORY_BYTES = 300 * 1024 ** 2;
const MAX_RESUME_SECONDS = 10;

/**
 * Measures how a store on disk is copied into a bucket, beside `aws s3 sync` and rclone where they are installed, and
 * prints tables. It starts gateways of its own. Exit code 1 if a target is missed.
 *
 * @param args - flags, as the usage tells
 * @throws {Error} if a flag is wrong, the gateway cannot be started or a program fails
 */
export async function migrate(args: readonly string[]): Promise<void> {
  const { rgw, runs, hasMillion, copySeconds, parent } = parseOptions(args);
  await withWorkFolder(parent, async (folder, signal) => {
    const onStep = (step: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${step}`);
    const copiers = [ourCopier(folder), awsCopier(), rcloneCopier()].filter((copier) => copier !== undefined);
    tellMissing(copiers);
    const root = await newRoot(folder, "store");
    onStep("writing 20,000 files");
    const files = await writeStore(root, STORE_20K, signal);
    const results = await measureCopiers(copiers, { rgw, runs, root, signal, onStep });
    console.log(`${files.toLocaleString("en")} files, 1 GiB, from disk into RGW ${rgw}`);
    console.log(`${renderCopiers(results)}\n`);
    let million: MillionResult | undefined;
    if (hasMillion) {
      const large = await newRoot(folder, "million-files");
      onStep("writing a million files");
      await writeStore(large, STORE_1M, signal);
      million = await measureMillion({ rgw, root: large, folder, copySeconds, signal, onStep });
      console.log(`${renderMillion(million)}\n`);
    }
    const checks = checksOf(results, million);
    console.log(renderChecks(checks));
    if (!checks.every(isMet)) process.exitCode = 1;
  });
}

function parseOptions(args: readonly string[]) {
  const text = (value: string) => ({ type: "string" as const, default: value });
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ rgw: text("18.2"), runs: text("3"), "copy-seconds": text("60"), folder: text(tmpdir()) },
      "no-million": { type: "boolean", default: false },
    },
  });
  const rgw = CEPH_VERSIONS.find((version) => version === values.rgw);
  const [runs, copySeconds] = [Number(values.runs), Number(values["copy-seconds"])];
  if (rgw === undefined || !Number.isSafeInteger(runs) || runs < 1 || !(copySeconds > 0))
    throw new Error(USAGE);
  return { rgw, runs, copySeconds, hasMillion: !values["no-million"], parent: values.folder };
}

function tellMissing(copiers: readonly Copier[]): void {
  const names = copiers.map(({ name }) => name);
  for (const program of ["aws", "rclone"]) {
    if (!names.some((name) => name.startsWith(program)))
      console.log(`${program} is not installed: its figures are left out`);
  }
}

async function newRoot(folder: string, name: string): Promise<string> {
  const root = join(folder, name);
  await mkdir(root);
  return root;
}

function renderCopiers(results: readonly CopierResult[]): string {
  return renderTable(
    ["program", "wall", "CPU", "second run"],
    results.map(({ name, seconds, cpuSeconds, againSeconds }) => [
      name,
      ...[seconds, cpuSeconds, againSeconds].map((value) => `${value.toFixed(2)} s`),
    ]),
    [1, 2, 3],
  );
}

function renderMillion({
  files,
  compareSeconds,
  copiedFiles,
  resumeSeconds,
  peakBytes,
}: MillionResult): string {
  const count = (value: number) => value.toLocaleString("en");
  return [
    `${count(files)} files: compared with an empty bucket in ${compareSeconds.toFixed(1)} s; ${count(copiedFiles)} copied when it was stopped;`,
    `the next run copied its first file after ${resumeSeconds.toFixed(1)} s; at most ${Math.round(peakBytes / 1024 ** 2)} MiB`,
  ].join("\n");
}

function checksOf(results: readonly CopierResult[], million: MillionResult | undefined): Check[] {
  const [ours, ...others] = results;
  const find = (name: string) => others.find((result) => result.name.startsWith(name));
  const [aws, rclone] = [find("aws"), find("rclone")];
  if (ours === undefined) return [];
  const more = (what: string, measured: number, limit: number): Check => ({
    ...{ what, measured, limit, unit: "times", good: "more" },
  });
  const less = (what: string, measured: number, limit: number, unit: "seconds" | "bytes"): Check => ({
    ...{ what, measured, limit, unit, good: "less" },
  });
  return [
    ...(aws
      ? [
          more("times as fast as aws s3 sync", aws.seconds / ours.seconds, AWS_TIMES),
          more("times less CPU than aws s3 sync", aws.cpuSeconds / ours.cpuSeconds, CPU_TIMES),
          less("second run, beside aws s3 sync", ours.againSeconds, aws.againSeconds, "seconds"),
        ]
      : []),
    ...(rclone
      ? [
          more("times as fast as rclone", rclone.seconds / ours.seconds, RCLONE_TIMES),
          less("second run, beside rclone", ours.againSeconds, rclone.againSeconds, "seconds"),
        ]
      : []),
    ...(million
      ? [
          less("a million files: memory", million.peakBytes, MAX_MEMORY_BYTES, "bytes"),
          less(
            "a million files: first copy of a resumed run",
            million.resumeSeconds,
            MAX_RESUME_SECONDS,
            "seconds",
          ),
        ]
      : []),
  ];
}
