import { setImmediate } from "node:timers/promises";
import { parseDigest } from "../../src/oci/digest.ts";
import { blobDataPath, classifyPath, revisionLinkPath } from "../../src/registry/paths.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { wrapDriver } from "../../src/storage/wrappers/wrap-driver.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A target whose changes are watched. */
export interface WatchedTarget {
  driver: StorageDriver;
  /** Paths in the order in which they were written. */
  written: string[];
  /** What was written although what it names was not there, or removed although it was named. */
  faults: string[];
}

/** Changes of the store take their time, each another one, so that many orders come about. */
export function watchTarget(inner: StorageDriver, random: SeededRandom): WatchedTarget {
  const written: string[] = [];
  const faults: string[] = [];
  const pause = async (): Promise<void> => {
    for (let turns = random.below(4); turns > 0; turns--) await setImmediate();
  };
  const driver = wrapDriver(inner, {});
  Object.assign(driver, {
    put: async (path: string, content: Uint8Array): Promise<void> => {
      await pause();
      for (const named of namedBy(path, content))
        if (!(await isThere(inner, named))) faults.push(`${path} names ${named}`);
      await inner.put(path, content);
      written.push(path);
      await pause();
    },
  });
  return { driver, written, faults };
}

/** What has to be there when a file is. */
function namedBy(path: string, content: Uint8Array): string[] {
  const entry = classifyPath(path);
  switch (entry.kind) {
    case "layerLink":
      return [blobDataPath(entry.digest)];
    case "revisionLink":
      return [blobDataPath(entry.digest)];
    case "tagHistoryLink":
      return [revisionLinkPath(entry.repository, entry.digest)];
    case "tagLink":
      return [revisionLinkPath(entry.repository, parseDigest(Buffer.from(content).toString()))];
    default:
      return [];
  }
}

/** @returns what files of a store name that is not there */
export async function danglingIn(driver: StorageDriver): Promise<string[]> {
  const dangling: string[] = [];
  for await (const { path } of driver.walk("/")) {
    for (const named of namedBy(path, await driver.get(path)))
      if (!(await isThere(driver, named))) dangling.push(`${path} names ${named}`);
  }
  return dangling;
}

async function isThere(driver: StorageDriver, path: string): Promise<boolean> {
  return driver.stat(path).then(
    () => true,
    () => false,
  );
}
