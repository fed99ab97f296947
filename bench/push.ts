import { join } from "node:path";
import { programPath } from "../test/support/programs.ts";
import { buildIfNeeded } from "./gc/build-if-needed.ts";
import { findOurCollector } from "./gc/measured-programs.ts";
import { renderChecks, renderMachine } from "./gc/report.ts";
import { runProgram } from "./gc/run-program.ts";
import { isMet } from "./gc/targets.ts";
import { withWorkFolder } from "./gc/work-folder.ts";
import { measureManyPushes } from "./push/many-pushes.ts";
import { measureAwsCopy, measurePush } from "./push/one-push.ts";
import { PUSH_WAYS, type PushWay } from "./push/push-blob.ts";
import { type PushOptions, parsePushOptions } from "./push/push-options.ts";
import { PushedFile } from "./push/pushed-file.ts";
import { measureGrowth, withServer } from "./push/pushed-server.ts";
import { checkPushes, renderMany, renderPushes, type WayResult } from "./push/render-pushes.ts";

/**
 * Measures pushes of one large blob through the server into a bucket beside `aws s3 cp` into the same, in turn, and of
 * many at once, and prints tables. It starts gateways of its own. Exit code 1 if a target is missed.
 *
 * @param args - flags, as `push/push-options.ts` tells
 * @throws {Error} if a flag is wrong, the gateway cannot be started or a push fails
 */
export async function push(args: readonly string[]): Promise<void> {
  const options = parsePushOptions(args);
  await withWorkFolder(options.folder, async (folder, signal) => {
    const onStep = (step: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${step}`);
    await buildIfNeeded(signal, onStep);
    const aws = (await runProgram([programPath("aws"), "--version"], signal)).trim();
    const { version } = await findOurCollector(signal);
    console.log(`${renderMachine(version, aws)}; RGW ${options.rgw} in memory\n`);
    const file = await PushedFile.write(folder, options.sizeBytes);
    await measure({ rootDirectory: join(folder, "registry"), file, signal, onStep }, options);
  });
}

interface PushBench {
  /** Beside it lie the server's config file and state. */
  rootDirectory: string;
  file: PushedFile;
  signal: AbortSignal;
  onStep: (step: string) => void;
}

async function measure(bench: PushBench, options: PushOptions): Promise<void> {
  const { awsSeconds, seconds } = await measureRates(bench, options);
  const ways: WayResult[] = [];
  for (const way of PUSH_WAYS)
    ways.push({ way, seconds: seconds.get(way) ?? [], ...(await measureMemory(bench, way, options)) });
  console.log(`${renderPushes(options.sizeBytes, awsSeconds, ways)}\n`);
  console.log(`${ways.flatMap(renderMany).join("\n")}\n`);
  const checks = checkPushes(awsSeconds, ways);
  console.log(renderChecks(checks));
  if (!checks.every(isMet)) process.exitCode = 1;
}

/** Nobody looks at the memory meanwhile, which would take time of its own. */
async function measureRates(
  { rootDirectory, file, signal, onStep }: PushBench,
  { runs, rgw }: PushOptions,
): Promise<{ awsSeconds: number[]; seconds: Map<PushWay, number[]> }> {
  const awsSeconds: number[] = [];
  const seconds = new Map<PushWay, number[]>(PUSH_WAYS.map((way) => [way, []]));
  for (let round = 1; round <= runs; round++) {
    await withServer(rgw, rootDirectory, async ({ url, bucket }) => {
      const pushers = PUSH_WAYS.map((way) => ({
        name: way,
        push: async () => seconds.get(way)?.push(await measurePush(url, way, file)),
      }));
      const aws = async () => awsSeconds.push(await measureAwsCopy(bucket, file, signal));
      const all = [{ name: "aws s3 cp", push: aws }, ...pushers];
      // Another one comes first in each round, when the gateway is new.
      const first = (round - 1) % all.length;
      for (const { name, push: pushOnce } of [...all.slice(first), ...all.slice(0, first)]) {
        signal.throwIfAborted();
        onStep(`round ${round} of ${runs}: ${name}`);
        await pushOnce();
      }
    });
  }
  return { awsSeconds, seconds };
}

/** Each in a server of its own, which has nothing left of earlier pushes. */
async function measureMemory(
  { rootDirectory, file, signal, onStep }: PushBench,
  way: PushWay,
  { many, rgw }: PushOptions,
): Promise<Pick<WayResult, "growthBytes" | "atOnce">> {
  signal.throwIfAborted();
  onStep(`memory: ${way}`);
  const { growthBytes } = await withServer(rgw, rootDirectory, ({ url, pid }) =>
    measureGrowth(pid, () => measurePush(url, way, file)),
  );
  if (many === 0) return { growthBytes, atOnce: undefined };
  signal.throwIfAborted();
  onStep(`memory of ${many} at once: ${way}`);
  const atOnce = await withServer(rgw, rootDirectory, ({ url, pid }) =>
    measureGrowth(pid, () => measureManyPushes(url, way, many)),
  );
  return {
    growthBytes,
    atOnce: { count: many, mebibytesPerSecond: atOnce.result, growthBytes: atOnce.growthBytes },
  };
}
