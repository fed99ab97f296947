import { expect } from "vitest";
import { verifyRegistry } from "../../src/operations/verify/verify-registry.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";

/** Expects that a verification of the whole store finds no problem, nor a tag-history link to what is gone. */
export async function expectSound(rootDirectory: string): Promise<void> {
  const { problems, counts, unchecked, complete } = await verifyRegistry(
    { driver: new FilesystemDriver({ rootDirectory }), nowMs: Date.now },
    { checksumPercent: undefined, repositories: [], concurrency: 8, usesMetadataDatabase: false },
  );
  expect(problems).toEqual([]);
  expect(unchecked).toEqual([]);
  expect(counts).not.toHaveProperty("dangling-history-link");
  expect(complete).toBe(true);
}
