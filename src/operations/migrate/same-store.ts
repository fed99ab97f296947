import { randomBytes } from "node:crypto";
import { type BigIntStats, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { UsageError } from "../../errors.ts";
import { readSmallFile } from "../../registry/small-file.ts";
import { storeIdentity, storePlace } from "../../state/store-identity.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { openProbes, PROBE_FOLDER } from "./probe-objects.ts";

/** One of the two stores of a move. */
export interface NamedStore {
  settings: StorageSettings;
  driver: StorageDriver;
}

/**
 * Refuses two names of one store, a target within the source, and a source among the files of the target, by what the settings and this host's
 * disks say: who wipes the old store would wipe the new one with it, and what a copy removes would be the registry's.
 *
 * @throws {UsageError}
 */
export function refuseSameNames(source: StorageSettings, target: StorageSettings): void {
  if (storeIdentity(source) === storeIdentity(target)) throw same();
  const [from, to] = [storePlace(source), storePlace(target)];
  if (from === undefined || to === undefined) return;
  if (to.startsWith(from) || from.startsWith(`${to}docker/`)) throw nested(source, target);
  if (source.driver !== "filesystem" || target.driver !== "filesystem") return;
  const folder = statOf(source.rootDirectory);
  if (isOneFile(folder, statOf(target.rootDirectory))) throw same();
  const isNested =
    liesIn(target.rootDirectory, folder) ||
    liesIn(source.rootDirectory, statOf(join(target.rootDirectory, "docker")));
  if (isNested) throw nested(source, target);
}

/**
 * Refuses the same of a bucket that has two addresses: a file that is written to the target is looked for at the source.
 *
 * @throws {UsageError}
 */
export async function refuseSameStore(source: NamedStore, target: NamedStore): Promise<void> {
  const probes = await openProbes(target.driver, 1);
  const [path = PROBE_FOLDER] = probes.paths;
  const content = randomBytes(16);
  const isSeenAs = async (there: string): Promise<boolean> => {
    const seen = await readSmallFile(source.driver, there, content.length).catch(() => undefined);
    return seen !== undefined && Buffer.from(seen).equals(content);
  };
  await target.driver.put(path, content);
  try {
    if (await isSeenAs(path)) throw same();
    const inner = pathWithin(target.settings, source.settings);
    if (inner !== undefined && (await isSeenAs(`${inner}${path}`)))
      throw nested(source.settings, target.settings);
    const outer = pathWithin(source.settings, target.settings);
    if (outer?.startsWith("/docker/") && (await hasSomething(target.driver, `${outer}/docker`)))
      throw nested(source.settings, target.settings);
  } finally {
    await probes.remove();
  }
}

/** @returns the folder of a bucket as a path in the other one, if both were one bucket */
function pathWithin(inner: StorageSettings, outer: StorageSettings): string | undefined {
  if (!("bucket" in inner && "bucket" in outer)) return undefined;
  const [path, root] = [inner.rootDirectory, outer.rootDirectory];
  if (root === "") return path === "" ? undefined : `/${path}`;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

async function hasSomething(driver: StorageDriver, folder: string): Promise<boolean> {
  try {
    return (await driver.list(folder)).length > 0;
  } catch {
    return false;
  }
}

/** Mounts show one folder in several places. */
function liesIn(path: string, folder: BigIntStats | undefined): boolean {
  if (folder === undefined) return false;
  for (let above = resolve(path); ; above = dirname(above)) {
    if (isOneFile(statOf(above), folder)) return true;
    if (above === dirname(above)) return false;
  }
}

function isOneFile(left: BigIntStats | undefined, right: BigIntStats | undefined): boolean {
  return left !== undefined && left.dev === right?.dev && left.ino === right.ino;
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

function same(): UsageError {
  return new UsageError("the target is the store that the registry has already", {
    hint: "name another bucket, another folder in it, or another folder of this host",
  });
}

function nested(source: StorageSettings, target: StorageSettings): UsageError {
  return new UsageError(`${storeName(target)} and ${storeName(source)} lie within each other`, {
    hint: "name a bucket or a folder of its own",
  });
}
