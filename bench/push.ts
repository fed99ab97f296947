import { join } from "node:path";
import { bucketStorage } from "../test/support/ceph/bucket-storage.ts";
import { startRgw } from "../test/support/ceph/start-rgw.ts";
import { makeBucket, type TestBucket } from "../test/support/ceph/test-bucket.ts";
import { measureTreeMemory } from "../test/support/process-tree.ts";
import { programPath } from "../test/support/programs.ts";
import { RegistryHttp } from "../test/support/registry-http.ts";
import { type ServeProcess, startServe } from "../test/support/serve-process.ts";
import { buildIfNeeded } from "./gc/build-if-needed.ts";
import { findOurCollector } from "./gc/measured-programs.ts";
import { renderChecks, renderMachine } from "./gc/report.ts";
import { runProgram } from "./gc/run-program.ts";
import { isMet } from "./gc/targets.ts";
import { withWorkFolder } from "./gc/work-folder.ts";
import { type ManyPushes, measureManyPushes } from "./push/many-pushes.ts";
import { measureAwsCopy, measurePush, type OnePush } from "./push/one-push.ts";
import { PUSH_WAYS } from "./push/push-blob.ts";
import { type PushOptions, parsePushOptions } from "./push/push-options.ts";
import { PushedFile } from "./push/pushed-file.ts";
import { checkPushes, type PushRuns, renderMany, renderPushes } from "./push/render-pushes.ts";

/** What is pushed lies in the gateway's memory until it has removed it. */
const CAPACITY_GIB = 16;
const WORKERS = 2;

/**
 * Measures pushes of one large blob through the server into a bucket beside `aws s3 cp` into the same, in turn, and of
 * many at once, and prints tables. It starts a gateway of its own. Exit code 1 if a target is missed.
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
    onStep("starting the gateway");
    const rgw = await startRgw(options.rgw, { capacityGib: CAPACITY_GIB });
    try {
      const bucket = await makeBucket(rgw);
      const storage = bucketStorage(bucket);
      const server = await startServe({ rootDirectory: join(folder, "registry"), storage, workers: WORKERS });
      try {
        await measure({ bucket, server, file, signal, onStep }, options);
      } finally {
        await server.stop();
      }
    } finally {
      await rgw.stop();
    }
  });
}

interface PushBench {
  bucket: TestBucket;
  server: ServeProcess;
  file: PushedFile;
  signal: AbortSignal;
  onStep: (step: string) => void;
}

async function measure(bench: PushBench, { runs, many }: PushOptions): Promise<void> {
  const { bucket, server, file, signal, onStep } = bench;
  await warmUp(server);
  const idleBytes = await measureTreeMemory(server.pid);
  const aws: OnePush[] = [];
  const pushes = PUSH_WAYS.map((way): PushRuns & { runs: OnePush[] } => ({ way, runs: [] }));
  for (let round = 1; round <= runs; round++) {
    onStep(`round ${round} of ${runs}: aws s3 cp`);
    aws.push(await measureAwsCopy(bucket, file, signal));
    for (const { way, runs: done } of pushes) {
      signal.throwIfAborted();
      onStep(`round ${round} of ${runs}: ${way}`);
      done.push(await measurePush(server, way, file, idleBytes));
      await emptyBlobs(bucket);
    }
  }
  console.log(`${renderPushes(file.sizeBytes, aws, pushes)}\n`);
  const atOnce: ManyPushes[] = [];
  for (const way of many === 0 ? [] : PUSH_WAYS) {
    signal.throwIfAborted();
    onStep(`${many} pushes at once: ${way}`);
    const result = await measureManyPushes(server, way, many, idleBytes);
    atOnce.push(result);
    console.log(renderMany(result));
    await emptyBlobs(bucket);
  }
  const checks = checkPushes(aws, pushes, atOnce);
  console.log(`\n${renderChecks(checks)}`);
  if (!checks.every(isMet)) process.exitCode = 1;
}

/** Idle means: has served before, so that code that is loaded at its first use does not count as growth. */
async function warmUp(server: ServeProcess): Promise<void> {
  const client = new RegistryHttp(server.url);
  for (let round = 0; round < 20; round++)
    await client.expectComplete(
      await client.pushImage("warm/up", `t${round}`, [Buffer.alloc(100_000, round)]),
    );
  client.close();
}

/** Removes what was pushed, so that the gateway's memory suffices. */
async function emptyBlobs({ client, name, listKeys }: TestBucket): Promise<void> {
  const { DeleteObjectsCommand } = await import("@aws-sdk/client-s3");
  const blobs = (await listKeys()).filter((key) => key.endsWith("/data"));
  if (blobs.length === 0) return;
  const Objects = blobs.map((Key) => ({ Key }));
  await client.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }));
}
