import { randomBytes } from "node:crypto";
import { PathNotFoundError, RegistryStateError, UsageError } from "../../errors.ts";
import { printableLine } from "../../lib/printable.ts";
import { REPOSITORIES_ROOT, ROOT } from "../../registry/paths.ts";
import { readSmallFile } from "../../registry/small-file.ts";
import { asRecord, isText } from "../../state/json-fields.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { SOURCE_MARK_PATH } from "./backup-layout.ts";

const MAX_BYTES = 64 * 1024;

/** What says of which registry the backups in a store are; nothing in it is secret. */
export interface SourceMark {
  schemaVersion: 1;
  /** Of this store of backups. */
  id: string;
  /** What the registry's store is, as `storeIdentity` gives it. */
  identity: string;
  /** What people call it. */
  source: string;
}

/**
 * @returns undefined if there is none
 * @throws {RegistryStateError} if it is damaged
 */
export async function readSourceMark(driver: StorageDriver): Promise<SourceMark | undefined> {
  const bytes = await readSmallFile(driver, SOURCE_MARK_PATH, MAX_BYTES);
  if (bytes === undefined) return undefined;
  let fields: Record<string, unknown> | undefined;
  try {
    fields = asRecord(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    // Told below.
  }
  const { schemaVersion, id, identity, source } = fields ?? {};
  if (schemaVersion === 1 && isText(id) && isText(identity) && isText(source)) {
    return { schemaVersion, id, identity, source: printableLine(source) };
  }
  throw new RegistryStateError(`${driver.location}${SOURCE_MARK_PATH} is damaged`, {
    hint: "look whether the store holds backups of this registry; then remove that file",
  });
}

/**
 * Refuses a store that is no store of backups.
 *
 * @throws {RegistryStateError}
 */
export async function requireBackups(driver: StorageDriver): Promise<SourceMark> {
  const mark = await readSourceMark(driver);
  if (mark === undefined) {
    throw new RegistryStateError(`${driver.location} holds no backups`, {
      hint: "name the store that backup create has written to",
    });
  }
  return mark;
}

/** Whose backups a store is to hold. */
export interface BackupOwner {
  /** Of the registry's store, as `storeIdentity` gives it. */
  identity: string;
  /** What people call it. */
  name: string;
  /** The registry may have had another store before. */
  isMoved: boolean;
}

/**
 * Looks whether a store can take backups of a registry; changes nothing.
 *
 * @throws {RegistryStateError} if it holds backups of another registry, or a registry
 */
export async function refuseOtherContent(
  backup: StorageDriver,
  { identity, isMoved }: BackupOwner,
): Promise<SourceMark | undefined> {
  const mark = await readSourceMark(backup);
  if (mark === undefined) {
    if (!(await hasFolder(backup, ROOT))) return undefined;
    throw new RegistryStateError(`${backup.location} holds a registry, and no backups`, {
      hint: "name an empty folder or bucket",
    });
  }
  if (mark.identity === identity || isMoved) return mark;
  throw new RegistryStateError(`${backup.location} holds backups of another registry: ${mark.source}`, {
    hint: "name another store; if the registry has been moved, give --moved",
  });
}

/**
 * Makes an empty store one of backups of a registry, or looks whether it is.
 *
 * @param source - the registry's store
 * @throws {RegistryStateError} if it holds backups of another registry, or a registry
 * @throws {UsageError} if it is the registry's store
 */
export async function claimBackups(
  backup: StorageDriver,
  source: StorageDriver,
  owner: BackupOwner,
): Promise<void> {
  const { identity, name } = owner;
  const found = await refuseOtherContent(backup, owner);
  const mark = found ?? { schemaVersion: 1, id: randomBytes(16).toString("hex"), identity, source: name };
  if (found?.identity !== identity) await write(backup, { ...mark, identity, source: name });
  // One store under two names: what was written to one is seen at the other.
  if ((await readSourceMark(source).catch(() => undefined))?.id === mark.id) {
    throw new UsageError("the backup would lie in the registry's own store", {
      hint: "name another bucket, or a folder on another disk",
    });
  }
}

/** @throws {RegistryStateError} if a registry stores here too: its blobs are not ours to remove */
export async function refuseRegistry(backup: StorageDriver): Promise<void> {
  if (!(await hasFolder(backup, REPOSITORIES_ROOT))) return;
  throw new RegistryStateError(`${backup.location} holds a registry beside the backups`, {
    hint: "nothing is removed from it; keep backups in a store of their own",
  });
}

/** @throws {RegistryStateError} if a store holds backups: a registry beside them would keep them from being pruned */
export async function refuseBackups(target: StorageDriver): Promise<void> {
  const mark = await readSourceMark(target);
  if (mark === undefined) return;
  throw new RegistryStateError(
    `${target.location} holds backups of ${mark.source}: nothing is restored there`,
    {
      hint: "name the registry's store, or an empty folder or bucket",
    },
  );
}

function write(driver: StorageDriver, mark: SourceMark): Promise<void> {
  return driver.put(SOURCE_MARK_PATH, Buffer.from(`${JSON.stringify(mark)}\n`));
}

async function hasFolder(driver: StorageDriver, path: string): Promise<boolean> {
  try {
    return (await driver.list(path)).length > 0;
  } catch (error) {
    if (error instanceof PathNotFoundError) return false;
    throw error;
  }
}
