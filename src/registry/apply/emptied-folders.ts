import { CancelledError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import { hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { repositoryPath } from "../paths.ts";
import { removeFoldersAbove } from "./remove-empty-folder.ts";
import { removeEmptyRepository } from "./remove-empty-repository.ts";
import type { SweepBatch, SweepOptions } from "./sweep-options.ts";
import { FOLDERS_ABOVE, type SweepPhase } from "./sweep-phase.ts";
import type { SweepResult } from "./sweep-result.ts";

const BATCH_REPOSITORIES = 100;
const BATCH_LEFTOVERS = 1000;

/** Options of {@link EmptiedFolders}. */
export interface EmptiedFoldersOptions {
  driver: StorageDriver;
  options: Pick<SweepOptions, "concurrency" | "temporaryBeforeMs" | "signal" | "afterBatch">;
  result: SweepResult;
  /** Numbers a batch and tells of it. */
  announce: (paths: readonly string[], phase: SweepPhase) => Promise<SweepBatch>;
}

/** Removes folders in which nothing is left, each by its exact path. An empty folder that stays behind does no harm. */
export class EmptiedFolders {
  readonly #parts: EmptiedFoldersOptions;

  constructor(parts: EmptiedFoldersOptions) {
    this.#parts = parts;
  }

  /**
   * Folders in which a writer or a collector died: there is nothing in them, or only what a dead writer has left.
   *
   * @throws {CancelledError} between two batches
   */
  async removeLeftovers(leftovers: readonly string[]): Promise<void> {
    const paths = leftovers.map((folder) => `${folder}/link`);
    const isHistory = (path: string): boolean => path.includes("/_manifests/tags/");
    await this.#removeEach("tag history", paths.filter(isHistory));
    await this.#removeEach(
      "layer links",
      paths.filter((path) => !isHistory(path)),
    );
  }

  /** The folders above a file, from below, as long as nothing is in them. Never rejects. */
  async removeAbove(path: string, foldersAbove: number): Promise<void> {
    const { driver, options } = this.#parts;
    if (!hasEmptyFolders(driver)) return;
    try {
      await removeFoldersAbove(driver, path, foldersAbove, options.temporaryBeforeMs);
    } catch {
      // It stays behind, so that it is no failure.
    }
  }

  /**
   * @param onDone - told of how many are done
   * @throws {CancelledError} between two batches
   */
  async removeRepositories(names: readonly string[], onDone: (count: number) => void): Promise<void> {
    const { driver, result, announce } = this.#parts;
    const { concurrency, signal, temporaryBeforeMs, afterBatch } = this.#parts.options;
    for (let start = 0; start < names.length; start += BATCH_REPOSITORIES) {
      if (signal?.aborted) throw new CancelledError();
      const some = names.slice(start, start + BATCH_REPOSITORIES);
      const batch = await announce(some.map(repositoryPath), "empty repositories");
      let failed = 0;
      await forEachConcurrently(some, concurrency, async (name) => {
        try {
          await removeEmptyRepository(driver, name, temporaryBeforeMs);
        } catch (error) {
          failed++;
          result.fail(repositoryPath(name), messageOf(error));
        }
      });
      afterBatch?.(batch, { deleted: some.length - failed, failed });
      onDone(some.length);
    }
  }

  async #removeEach(phase: "tag history" | "layer links", paths: readonly string[]): Promise<void> {
    const { options, announce } = this.#parts;
    for (let start = 0; start < paths.length; start += BATCH_LEFTOVERS) {
      if (options.signal?.aborted) throw new CancelledError();
      const batch = await announce(paths.slice(start, start + BATCH_LEFTOVERS), phase);
      for (const path of batch.paths) await this.removeAbove(path, FOLDERS_ABOVE[phase]);
      options.afterBatch?.(batch, { deleted: 0, failed: 0 });
    }
  }
}
