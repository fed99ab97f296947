import type { VerifyOptions } from "../../../../src/operations/verify/verify-options.ts";
import { verifyRegistry } from "../../../../src/operations/verify/verify-registry.ts";
import type { VerifyReport } from "../../../../src/operations/verify/verify-report.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";

/** Verifies a store as the command does without options. */
export async function verify(
  driver: StorageDriver,
  options: Partial<VerifyOptions> & { random?: () => number; signal?: AbortSignal } = {},
): Promise<VerifyReport> {
  const { random, signal, ...rest } = options;
  return verifyRegistry(
    { driver, nowMs: Date.now, ...(random ? { random } : {}), signal },
    { checksumPercent: undefined, repositories: [], concurrency: 4, usesMetadataDatabase: false, ...rest },
  );
}

/** What a report says, as `kind tag,tag` for each problem. */
export function problemsOf({ problems }: VerifyReport): string[] {
  return problems.map(({ kind, tags }) => [kind, [...tags.first].sort().join(",")].join(" ").trim()).sort();
}
