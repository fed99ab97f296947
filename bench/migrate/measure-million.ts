import { join } from "node:path";
import type { CephVersion } from "../../test/support/ceph/ceph-versions.ts";
import { makeBucket } from "../../test/support/ceph/test-bucket.ts";
import { withGateway } from "../s3/with-gateway.ts";
import { ROOT, runOurSync } from "./copiers.ts";
import type { SyncOrder } from "./sync-once.ts";

/** What a store of a million files took. */
export interface MillionResult {
  files: number;
  /** The most that was resident while all of it was compared, and while a part was copied. */
  peakBytes: number;
  compareSeconds: number;
  copiedFiles: number;
  /** From the start of a process that goes on with the copy to its first copied file. */
  resumeSeconds: number;
}

/** How {@link measureMillion} measures. */
export interface MillionOptions {
  rgw: CephVersion;
  root: string;
  folder: string;
  /** How long is copied before it is stopped. */
  copySeconds: number;
  signal: AbortSignal;
  onStep: (step: string) => void;
}

/**
 * Compares a large store with an empty bucket, copies for a while, stops, and goes on.
 *
 * @throws {Error} if the copy fails, or does not go on
 */
export async function measureMillion(options: MillionOptions): Promise<MillionResult> {
  const { root, folder, copySeconds, signal, onStep } = options;
  return withGateway(options.rgw, async (rgw) => {
    const bucket = await makeBucket(rgw);
    const order: SyncOrder = {
      source: { driver: "filesystem", rootDirectory: root, maxThreads: 100 },
      target: bucket.settings({ rootDirectory: ROOT }),
      folder: join(folder, "million"),
      ...{ dryRun: true, resume: false, verify: false },
    };
    onStep("comparing a million files with an empty bucket");
    const { report: compared } = await runOurSync(order, signal);
    onStep(`copying for ${copySeconds} s`);
    const stopped = { ...order, dryRun: false, stopAfterSeconds: copySeconds };
    const { report: first } = await runOurSync(stopped, signal);
    onStep("going on");
    const { report: second } = await runOurSync({ ...stopped, resume: true, stopAfterSeconds: 20 }, signal);
    if (second.firstCopySeconds === undefined) throw new Error("the copy did not go on within 20 s");
    return {
      files: compared.result?.source.files ?? 0,
      peakBytes: Math.max(...[compared, first, second].map(({ peakBytes }) => peakBytes)),
      compareSeconds: compared.seconds,
      copiedFiles: first.copiedFiles,
      resumeSeconds: second.firstCopySeconds,
    };
  });
}
