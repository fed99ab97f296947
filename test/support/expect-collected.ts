import { expect } from "vitest";
import { type CollectorEnd, runCollector } from "./collector-process.ts";
import { difference, type PreparedTree } from "./prepared-tree.ts";
import { listStore, type StoreNames } from "./store-files.ts";

/** Expects that a collection has come to its end, and that exactly that has gone which was to go. */
export function expectCollected(
  prepared: PreparedTree,
  rootDirectory: string,
  end: CollectorEnd,
  what?: string,
): void {
  expect(end.exitCode, end.stderr).toBe(0);
  const names = listStore(rootDirectory);
  expect(difference(names.files, prepared.after.files), what).toEqual([]);
  expect(difference(names.folders, prepared.after.folders), what).toEqual([]);
}

/** Expects that everything is there that is needed, and that what has failed was foreseen. */
export function expectNothingLost(
  prepared: PreparedTree,
  rootDirectory: string,
  end?: CollectorEnd,
): StoreNames {
  const names = listStore(rootDirectory);
  const lost = [...prepared.keep].filter((path) => !names.files.has(path));
  expect(lost.slice(0, 5), end?.stderr).toEqual([]);
  expect(end?.stderr ?? "").not.toContain("report");
  return names;
}

/** Expects that nothing has been removed at all. */
export function expectUntouched(prepared: PreparedTree, rootDirectory: string): void {
  expect(difference(listStore(rootDirectory).files, prepared.before.files)).toEqual([]);
}

/** Expects that the next run, when all is well again, brings everything to its end. `what` came before, for people. */
export async function expectNextRunFinishes(
  prepared: PreparedTree,
  rootDirectory: string,
  what?: string,
): Promise<void> {
  expectCollected(prepared, rootDirectory, await runCollector(rootDirectory), what);
}
