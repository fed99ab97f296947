import { buildIfNeeded } from "./gc/build-if-needed.ts";
import { findGoCollector, findOurCollector } from "./gc/measured-programs.ts";
import { renderChecks, renderMachine } from "./gc/report.ts";
import { isMet } from "./gc/targets.ts";
import { pushesPerRepository, type TreeShape } from "./gc/tree-shape.ts";
import { withWorkFolder } from "./gc/work-folder.ts";
import type { Workbench } from "./gc/workbench.ts";
import { benchSettings, makeTreeBucket } from "./s3/bench-bucket.ts";
import { checkBuckets } from "./s3/bucket-targets.ts";
import { type GcS3Options, parseGcS3Options } from "./s3/gc-options.ts";
import { type Listing, measureListing } from "./s3/measure-listing.ts";
import { renderBuckets, renderListing } from "./s3/render-buckets.ts";
import { measureBuckets } from "./s3/side-by-side.ts";
import { withGateway } from "./s3/with-gateway.ts";

/**
 * Measures `garbage-collect -m` on a bucket beside the Go registry's, and prints tables. It starts gateways of its own.
 * Exit code 1 if a target is missed.
 *
 * @param args - flags, as `s3/gc-options.ts` tells
 * @throws {Error} if a flag is wrong, the gateway cannot be started or a program fails
 */
export async function gcS3(args: readonly string[]): Promise<void> {
  const options = parseGcS3Options(args);
  await withWorkFolder(options.folder, async (folder, signal) => {
    const onStep = (step: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${step}`);
    await buildIfNeeded(signal, onStep);
    const workbench = { folder, ours: await findOurCollector(signal), signal, onStep };
    const go = await findGoCollector(signal);
    console.log(`${renderMachine(workbench.ours.version, go?.version)}; RGW ${options.rgw} in memory\n`);
    const listing = await list(options, workbench);
    const result = await measureBuckets(go, options, workbench);
    console.log(`${renderBuckets("Tree S", options.latencyMs, result)}\n`);
    const checks = checkBuckets(result, listing);
    console.log(renderChecks(checks));
    if (!checks.every(isMet)) process.exitCode = 1;
  });
}

/** Lists a larger bucket, as often as there are dry runs. @returns the median; undefined if it is not asked for */
async function list(
  { rgw: version, shape, listedObjects, dryRuns }: GcS3Options,
  { signal, onStep }: Workbench,
): Promise<Listing | undefined> {
  if (listedObjects === 0) return undefined;
  onStep(`writing ${listedObjects} objects to list`);
  return withGateway(version, async (rgw) => {
    const { bucket, objects } = await makeTreeBucket(rgw, shapeOf(shape, listedObjects), signal);
    const listings: Listing[] = [];
    for (let round = 1; round <= dryRuns; round++) {
      onStep(`listing ${round} of ${dryRuns}`);
      listings.push(await measureListing(benchSettings(bucket)));
    }
    const median = listings.sort((one, other) => one.seconds - other.seconds)[(listings.length - 1) >> 1];
    if (median !== undefined) console.log(`${renderListing(median, objects)}\n`);
    return median;
  });
}

/** As many repositories of the kind as it takes: each push brings about ten files. */
function shapeOf(shape: TreeShape, objects: number): TreeShape {
  const filesPerPush = 39_000 / (100 * pushesPerRepository(shape));
  return { ...shape, repositories: Math.ceil(objects / (filesPerPush * pushesPerRepository(shape))) };
}
