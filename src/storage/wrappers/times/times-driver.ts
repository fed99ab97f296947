import { canScan, hasFileLookup } from "../../abilities.ts";
import type { FileInfo, StorageDriver } from "../../driver.ts";
import { wrapDriver } from "../wrap-driver.ts";

/** What knows when files were changed before they were copied into a store. */
export interface KnownTimes {
  /**
   * @param modifiedMs - what the store says of the file
   * @returns when it was last changed, here or where it was copied from; milliseconds since 1970
   */
  originalMs(path: string, modifiedMs: number): number;
}

/**
 * Gives files the times that they had before they were copied into a store that cannot be told times. The abilities that
 * tell times synchronously, or of opened files, are not passed on: object stores have none of them.
 *
 * @param load - called once, when the store has first told a time; undefined: there are no other times
 */
export function timesDriver(
  inner: StorageDriver,
  load: () => Promise<KnownTimes | undefined>,
): StorageDriver {
  let loading: Promise<KnownTimes | undefined> | undefined;
  const known = (): Promise<KnownTimes | undefined> => {
    loading ??= load();
    return loading;
  };
  const driver = wrapDriver(inner, {
    without: [
      ...(["getSync", "statFileSync", "openFile"] as const),
      ...(["scanDownTo", "listNamesSync", "deleteFileSync", "removeFolderSync"] as const),
    ],
  });
  const { stat, list, walk } = driver;
  driver.stat = async (path) => {
    const info = await stat(path);
    return info.isFolder ? info : timed(info, await known());
  };
  driver.list = async (path) => {
    const infos = await list(path);
    if (infos.every((info) => info.isFolder)) return infos;
    const times = await known();
    return infos.map((info) => (info.isFolder ? info : timed(info, times)));
  };
  driver.walk = (path) => timedWalk(walk(path), known);
  if (canScan(driver)) {
    const { scan } = driver;
    driver.scan = async function* (...options) {
      for await (const batch of scan(...options)) {
        const times = await known();
        yield times === undefined ? batch : batch.map((file) => timed(file, times));
      }
    };
  }
  if (hasFileLookup(driver)) {
    const { statFile } = driver;
    driver.statFile = async (path) => {
      const info = await statFile(path);
      return info && timed(info, await known());
    };
  }
  return driver;
}

async function* timedWalk(
  files: AsyncIterable<FileInfo>,
  known: () => Promise<KnownTimes | undefined>,
): AsyncGenerator<FileInfo> {
  for await (const file of files) yield timed(file, await known());
}

function timed<T extends { path: string; modifiedMs?: number }>(file: T, times: KnownTimes | undefined): T {
  if (times === undefined || file.modifiedMs === undefined) return file;
  const modifiedMs = times.originalMs(file.path, file.modifiedMs);
  return modifiedMs === file.modifiedMs ? file : { ...file, modifiedMs };
}
