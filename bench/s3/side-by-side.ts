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
import { withGateway } from "./with-gateway.ts";

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
 * Measures collections with `-m` by ours and by the Go registry, in turn, on one tree: dry runs on one bucket, each real
 * run on a bucket of a gateway of its own. Once the Go registry has exceeded its time limit it is not run again.
 *
 * @throws {Error} if a program fails
 */
export async function measureBuckets(
  go: Collector | undefined,
  options: GcS3Options,
  workbench: Workbench,
): Promise<BucketResult> {
  const { shape } = options;
  const { hasGoFailed, objects, ...dryRuns } = await measureDryRuns(go, options, workbench);
  const realRuns = await measureRealRuns(hasGoFailed ? undefined : go, options, workbench);
  const tags = shape.repositories * shape.tags;
  return {
    ...{ shape, objects },
    requestLimit: Math.ceil(objects / KEYS_PER_PAGE) + countManifests(shape) + tags + MORE_REQUESTS,
    ...dryRuns,
    ...realRuns,
  };
}

function measureDryRuns(go: Collector | undefined, options: GcS3Options, workbench: Workbench) {
  const { onStep, folder, signal } = workbench;
  return withGateway(options.rgw, async (rgw) => {
    onStep("writing the tree");
    const { bucket, objects } = await makeTreeBucket(rgw, options.shape, signal);
    const store = await describeBucket(bucket, folder);
    const goRuns: Measured[] = [];
    const { cold, warm } = await measureOurDryRuns(store, options.dryRuns, workbench, async (round) => {
      if (go === undefined || hasFailed(goRuns)) return;
      onStep(`dry run ${round} of ${options.dryRuns}: docker-registry`);
      goRuns.push(await measureGo(go, store, true, options, workbench));
    });
    return {
      ...{ objects, hasGoFailed: hasFailed(goRuns) },
      requests: await countRequests(store, workbench),
      late: summarize(await measureLate(bucket, options, workbench)),
      cold: summarize(cold),
      warm: summarize(warm),
      goDryRun: summarize(goRuns),
    };
  });
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
    left = await collectNewTree(options, workbench, async (store) => {
      runs.push(await measureOurRealRun(store, workbench));
    });
    if (go === undefined || hasFailed(goRuns)) continue;
    workbench.onStep(`real run ${round} of ${realRuns}: docker-registry`);
    goLeft = await collectNewTree(options, workbench, async (store) => {
      goRuns.push(await measureGo(go, store, false, options, workbench));
    });
  }
  return { real: summarize(runs), goReal: summarize(goRuns), left, goLeft };
}

/** @returns how many objects are left */
function collectNewTree(
  { shape, rgw: version }: GcS3Options,
  { folder, signal }: Workbench,
  collect: (store: Store) => Promise<void>,
): Promise<number> {
  return withGateway(version, async (rgw) => {
    const { bucket } = await makeTreeBucket(rgw, shape, signal);
    await collect(await describeBucket(bucket, folder));
    return (await bucket.listKeys()).length;
  });
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
