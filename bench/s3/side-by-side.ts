import type { RgwAddress } from "../../test/support/ceph/start-rgw.ts";
import type { TestBucket } from "../../test/support/ceph/test-bucket.ts";
import { type Measured, measureProgram } from "../gc/measure-program.ts";
import type { Collector, Store } from "../gc/measured-programs.ts";
import { runProgram } from "../gc/run-program.ts";
import { type Summary, summarize } from "../gc/summary.ts";
import { countManifests } from "../gc/tree-files.ts";
import type { TreeShape } from "../gc/tree-shape.ts";
import { measureOurDryRuns, measureOurRealRun, newStateFolder, type Workbench } from "../gc/workbench.ts";
import { describeBucket, makeTreeBucket } from "./bench-bucket.ts";
import type { GcS3Options } from "./gc-options.ts";
import { startLatencyProxy } from "./latency-proxy.ts";

/** What collections of one tree in a bucket took; undefined where there were none. */
export interface BucketResult {
  shape: TreeShape;
  objects: number;
  cold: Summary | undefined;
  warm: Summary | undefined;
  /** One dry run through the proxy, without a manifest cache. */
  late: Summary | undefined;
  real: Summary | undefined;
  goDryRun: Summary | undefined;
  goReal: Summary | undefined;
  /** Requests of one dry run without a manifest cache, by kind, as it reports them. */
  requests: Readonly<Record<string, number>>;
  /** What they may be at the most. */
  requestLimit: number;
  /** Objects that the last real run left; undefined if there was none. */
  left: number | undefined;
  goLeft: number | undefined;
}

/** Requests that may come beside those for pages, manifests and tags. */
const MORE_REQUESTS = 300;
const KEYS_PER_PAGE = 1000;

/**
 * Measures collections with `-m` by ours and by the Go registry, in turn, on one tree in one gateway: dry runs on one
 * bucket, each real run on a bucket of its own. Once the Go registry has exceeded its time limit it is not run again.
 *
 * @throws {Error} if a program fails
 */
export async function measureBuckets(
  rgw: RgwAddress,
  go: Collector | undefined,
  options: GcS3Options,
  workbench: Workbench,
): Promise<BucketResult> {
  const { shape } = options;
  const { signal, onStep } = workbench;
  onStep("writing the tree");
  const { bucket, objects } = await makeTreeBucket(rgw, shape, signal);
  const store = await describeBucket(bucket, workbench.folder);
  const goDryRuns: Measured[] = [];
  const dryRuns = await measureOurDryRuns(store, options.dryRuns, workbench, async (round) => {
    if (go === undefined || hasFailed(goDryRuns)) return;
    onStep(`dry run ${round} of ${options.dryRuns}: docker-registry`);
    goDryRuns.push(await measureGo(go, store, true, options, workbench));
  });
  const requests = await countRequests(store, workbench);
  const late = await measureLate(bucket, options, workbench);
  await bucket.remove();
  const realRuns = await measureRealRuns(rgw, hasFailed(goDryRuns) ? undefined : go, options, workbench);
  const tags = shape.repositories * shape.tags;
  return {
    ...{ shape, objects, requests, late: summarize(late) },
    requestLimit: Math.ceil(objects / KEYS_PER_PAGE) + countManifests(shape) + tags + MORE_REQUESTS,
    cold: summarize(dryRuns.cold),
    warm: summarize(dryRuns.warm),
    goDryRun: summarize(goDryRuns),
    ...realRuns,
  };
}

async function measureLate(
  bucket: TestBucket,
  { latencyMs, dryRuns }: GcS3Options,
  workbench: Workbench,
): Promise<Measured[]> {
  if (latencyMs === 0) return [];
  const proxy = await startLatencyProxy(bucket.endpoint, latencyMs);
  try {
    const store = await describeBucket(bucket, workbench.folder, proxy.endpoint);
    const runs: Measured[] = [];
    for (let round = 1; round <= dryRuns; round++) {
      workbench.onStep(`dry run ${round} of ${dryRuns} with ${latencyMs} ms of latency: registry-ctl`);
      const command = workbench.ours.command(store, await newStateFolder(workbench), { dryRun: true });
      runs.push(await measureProgram(command, { signal: workbench.signal }));
    }
    return runs;
  } finally {
    await proxy.close();
  }
}

async function measureRealRuns(
  rgw: RgwAddress,
  go: Collector | undefined,
  options: GcS3Options,
  workbench: Workbench,
): Promise<Pick<BucketResult, "real" | "goReal" | "left" | "goLeft">> {
  const { realRuns } = options;
  const runs: Measured[] = [];
  const goRuns: Measured[] = [];
  let left: number | undefined;
  let goLeft: number | undefined;
  for (let round = 1; round <= realRuns; round++) {
    workbench.onStep(`real run ${round} of ${realRuns}: registry-ctl`);
    left = await collectNewTree(rgw, options, workbench, async (store) => {
      runs.push(await measureOurRealRun(store, workbench));
    });
    if (go === undefined || hasFailed(goRuns)) continue;
    workbench.onStep(`real run ${round} of ${realRuns}: docker-registry`);
    goLeft = await collectNewTree(rgw, options, workbench, async (store) => {
      goRuns.push(await measureGo(go, store, false, options, workbench));
    });
  }
  return { real: summarize(runs), goReal: summarize(goRuns), left, goLeft };
}

/** @returns how many objects are left */
async function collectNewTree(
  rgw: RgwAddress,
  { shape }: GcS3Options,
  { folder, signal }: Workbench,
  collect: (store: Store) => Promise<void>,
): Promise<number> {
  const { bucket } = await makeTreeBucket(rgw, shape, signal);
  await collect(await describeBucket(bucket, folder));
  const left = (await bucket.listKeys()).length;
  await bucket.remove();
  return left;
}

async function measureGo(
  go: Collector,
  store: Store,
  dryRun: boolean,
  { goLimitSeconds }: GcS3Options,
  workbench: Workbench,
): Promise<Measured> {
  const command = go.command(store, await newStateFolder(workbench), { dryRun });
  return measureProgram(command, { signal: workbench.signal, limitSeconds: goLimitSeconds });
}

async function countRequests(store: Store, workbench: Workbench): Promise<Record<string, number>> {
  const { ours, signal } = workbench;
  const command = ours.command(store, await newStateFolder(workbench), { dryRun: true });
  const report: unknown = JSON.parse(await runProgram([...command, "--json"], signal));
  if (typeof report !== "object" || report === null || !("requests" in report))
    throw new Error("the report does not tell of requests");
  return Object.fromEntries(
    Object.entries(report.requests ?? {}).map(([kind, count]) => [kind, Number(count)]),
  );
}

function hasFailed(runs: readonly Measured[]): boolean {
  return runs.at(-1)?.finished === false;
}
