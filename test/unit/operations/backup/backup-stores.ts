import type { BackupReport } from "../../../../src/operations/backup/backup-report.ts";
import { chooseSnapshot, listSnapshotIds } from "../../../../src/operations/backup/choose-snapshot.ts";
import { type CreateOptions, createBackup } from "../../../../src/operations/backup/create-backup.ts";
import {
  type RestoreDependencies,
  type RestoreOptions,
  restoreBackup,
} from "../../../../src/operations/backup/restore-backup.ts";
import type { RestoreReport } from "../../../../src/operations/backup/restore-report.ts";
import type { LockHolder } from "../../../../src/state/store-lock.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";

/** This process, as a holder of locks. */
export const HOLDER: LockHolder = {
  ...{ host: "here", bootId: "boot", pidNamespace: "ns", pid: 1 },
  isAlive: () => true,
};

let snapshots = 0;

/** A registry and a store for its backups, in memory. */
export class BackupStores {
  readonly source: StorageDriver;
  readonly backup: StorageDriver;
  readonly tree: RegistryTree;
  /** Time of the next snapshot. */
  nowMs = Date.UTC(2026, 10, 21, 12);

  constructor(source: StorageDriver = new MemoryDriver(), backup: StorageDriver = new MemoryDriver()) {
    this.source = source;
    this.backup = backup;
    this.tree = new RegistryTree(source);
  }

  /** Takes a snapshot; each is a second younger than the one before. */
  create(options: Partial<CreateOptions> = {}, signal = new AbortController().signal): Promise<BackupReport> {
    this.nowMs += 1000;
    const { source, backup, nowMs } = this;
    return createBackup(
      {
        ...{ source, backup, holder: HOLDER, nowMs: () => nowMs, signal, onProgress: () => undefined },
        random: () => (++snapshots).toString(16).padStart(8, "0"),
      },
      {
        ...{ sourceIdentity: "memory:source", sourceName: "the source", concurrency: 4 },
        ...{ metadataOnly: false, tagsOnly: false, strict: false, isMoved: false, allowEmpty: false },
        usesMetadataDatabase: false,
        ...options,
      },
    );
  }

  /** Restores the latest snapshot into another store. */
  async restore(
    target: StorageDriver,
    options: Partial<RestoreOptions> = {},
    dependencies: Partial<RestoreDependencies> = {},
  ): Promise<RestoreReport> {
    const { backup } = this;
    const latest = chooseSnapshot(await listSnapshotIds(backup), { name: undefined, atMs: undefined });
    return restoreBackup(
      {
        ...{ backup, target, holder: HOLDER, nowMs: Date.now, signal: new AbortController().signal },
        ...{ onProgress: () => undefined, confirmOverwrite: async () => undefined, times: undefined },
        ...dependencies,
      },
      {
        ...{ snapshot: latest, repositories: [], keepExisting: false, dryRun: false },
        ...{ usesMetadataDatabase: false, concurrency: 4 },
        ...options,
      },
    );
  }
}

/** The tags of a repository that stands in a store, by what they point to. */
export async function tagsIn(driver: StorageDriver): Promise<Map<string, string>> {
  const tags = new Map<string, string>();
  for (const path of await new RegistryTree(driver).files()) {
    const [, repository, tag] =
      /\/repositories\/(.*)\/_manifests\/tags\/([^/]*)\/current\/link$/.exec(path) ?? [];
    if (tag) tags.set(`${repository}:${tag}`, Buffer.from(await driver.get(path)).toString());
  }
  return tags;
}

/** What cannot be pulled of the tags of a store. */
export async function missingIn(driver: StorageDriver): Promise<string[]> {
  const tree = new RegistryTree(driver);
  const missing: string[] = [];
  for (const [name, digest] of await tagsIn(driver)) {
    const repository = tree.repository(name.slice(0, name.lastIndexOf(":")));
    missing.push(...(await repository.missingFor(digest as Parameters<typeof repository.missingFor>[0])));
  }
  return missing;
}
