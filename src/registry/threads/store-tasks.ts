import type { SmallReads, SynchronousFolders } from "../../storage/abilities.ts";
import { deleteFiles } from "./delete-files.ts";
import { listBlobs } from "./list-blobs.ts";
import { readManifests } from "./read-manifests.ts";
import { readRepositories } from "./read-repositories.ts";
import { statBlobs } from "./stat-blobs.ts";

/**
 * What worker threads do on a store, by name. Input and output go through the structured clone algorithm; nothing is
 * thrown for what can go wrong with a store.
 */
export const STORE_TASKS = {
  deleteFiles,
  listBlobs,
  readManifests,
  readRepositories,
  statBlobs,
} satisfies Record<string, (driver: SynchronousFolders & SmallReads, input: never) => unknown>;

/** The tasks by name. */
export type StoreTasks = typeof STORE_TASKS;

/** What a task is given. */
export type StoreTaskInput<Name extends keyof StoreTasks> = Parameters<StoreTasks[Name]>[1];

/** What a task gives. */
export type StoreTaskOutput<Name extends keyof StoreTasks> = ReturnType<StoreTasks[Name]>;

/** A driver that tasks can run on. */
export type TaskDriver = SynchronousFolders & SmallReads;

/** Runs one task. */
export function runStoreTask<Name extends keyof StoreTasks>(
  driver: TaskDriver,
  name: Name,
  input: StoreTaskInput<Name>,
): StoreTaskOutput<Name> {
  const task = STORE_TASKS[name] as (driver: TaskDriver, input: unknown) => StoreTaskOutput<Name>;
  return task(driver, input);
}
