import type { CephVersion } from "../../test/support/ceph/ceph-versions.ts";
import { makeBucket } from "../../test/support/ceph/test-bucket.ts";
import { withGateway } from "../s3/with-gateway.ts";
import type { Copier } from "./copiers.ts";

/** Medians of one program. */
export interface CopierResult {
  name: string;
  seconds: number;
  cpuSeconds: number;
  /** With nothing to do. */
  againSeconds: number;
}

/** How {@link measureCopiers} measures. */
export interface CopierOptions {
  rgw: CephVersion;
  runs: number;
  root: string;
  signal: AbortSignal;
  onStep: (step: string) => void;
}

/**
 * Lets each program copy a folder into a new bucket, and then once more with nothing to do. They take turns, and each
 * round has a gateway of its own.
 *
 * @throws {Error} if one fails
 */
export async function measureCopiers(
  copiers: readonly Copier[],
  { rgw: version, runs, root, signal, onStep }: CopierOptions,
): Promise<CopierResult[]> {
  const measured = copiers.map(({ name }) => ({ name, first: [] as Taken[], again: [] as Taken[] }));
  for (let round = 1; round <= runs; round++) {
    for (const [index, copier] of copiers.entries()) {
      onStep(`copy ${round} of ${runs}: ${copier.name}`);
      await withGateway(version, async (rgw) => {
        const bucket = await makeBucket(rgw);
        measured[index]?.first.push(await copier.copy(root, bucket, signal));
        measured[index]?.again.push(await copier.copy(root, bucket, signal));
      });
    }
  }
  return measured.map(({ name, first, again }) => ({
    name,
    seconds: median(first.map(({ seconds }) => seconds)),
    cpuSeconds: median(first.map(({ cpuSeconds }) => cpuSeconds)),
    againSeconds: median(again.map(({ seconds }) => seconds)),
  }));
}

interface Taken {
  seconds: number;
  cpuSeconds: number;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}
