import { CancelledError } from "../../errors.ts";
import { TimesRecorder } from "../../registry/copy/times-recorder.ts";
import { subfolderNamesIfAny } from "../../registry/list-folder.ts";
import { moveRepositories } from "../../registry/move/move-repositories.ts";
import { listRepositoryLinks } from "../../registry/move/repository-links.ts";
import { parentOf, REPOSITORIES_ROOT, repositoryPath } from "../../registry/paths.ts";
import { isRemote, usualConcurrency } from "../../registry/remote-store.ts";
import { canSetTimes, hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { hasNaming } from "../../storage/naming-abilities.ts";
import type { MoveDependencies, MoveProgress } from "./move-options.ts";
import { type MovedNames, type MoveRequest, targetOf } from "./move-request.ts";
import type { MovePlan } from "./plan-move.ts";

/** So many are moved together: a disk makes the names of all durable in one go. */
const REPOSITORIES_AT_ONCE = 100;

/** Options of {@link Relocation}. */
export interface RelocationOptions {
  names: MovedNames;
  request: MoveRequest;
  /** Called before each batch of repositories. @throws what ends the move */
  beforeBatch: () => Promise<void>;
  onProgress?: ((progress: MoveProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Carries a plan out. */
export class Relocation {
  readonly #dependencies: Pick<MoveDependencies, "driver" | "moves">;
  readonly #options: RelocationOptions;
  readonly #times: TimesRecorder | undefined;

  constructor(dependencies: Pick<MoveDependencies, "driver" | "moves">, options: RelocationOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    const { driver, moves } = dependencies;
    if (moves !== undefined && isRemote(driver) && !canSetTimes(driver))
      this.#times = new TimesRecorder(moves.timesFolder(options.request));
  }

  /** @returns how many repositories went with a folder, and how many link by link */
  async run(plan: MovePlan): Promise<{ folders: number; links: number }> {
    const { driver } = this.#dependencies;
    const { names, beforeBatch, onProgress, signal } = this.#options;
    const total = plan.repositories.length;
    const ways = { folders: 0, links: 0 };
    await beforeBatch();
    await this.#moveFolders(names.from, plan);
    const left = await this.#left();
    ways.folders = plan.repositories.filter(({ from }) => !left.includes(from)).length;
    let done = ways.folders;
    for (let start = 0; start < left.length; start += REPOSITORIES_AT_ONCE) {
      onProgress?.({ done, total: Math.max(total, done) });
      await beforeBatch();
      const some = left.slice(start, start + REPOSITORIES_AT_ONCE);
      const moved = await moveRepositories(
        some.map((from) => ({ from, to: targetOf(from, names) })),
        {
          ...{ driver, signal, concurrency: Math.ceil(usualConcurrency(driver) / 2) },
          noteTime: (path, modifiedMs) => this.#times?.note(path, modifiedMs),
          beforeLink: () => {
            if (signal?.aborted) throw new CancelledError();
          },
          beforeRemoval: async () => {
            this.#times?.flush();
          },
        },
      );
      ways.links += moved;
      done += moved;
    }
    onProgress?.({ done, total: Math.max(total, done) });
    await this.#times?.write(driver);
    return ways;
  }

  /**
   * Moves folders in which there is nothing but what is to be moved, where there is nothing in the place that they go to: one
   * step for all that is below, so that it is under one of both names at every moment. Folders with unfinished uploads
   * stay, since those stay under the old name.
   */
  async #moveFolders(name: string, plan: MovePlan): Promise<void> {
    const { driver } = this.#dependencies;
    const { names, request, signal } = this.#options;
    if (!hasNaming(driver)) return;
    if (signal?.aborted) throw new CancelledError();
    const below = (await subfolderNamesIfAny(driver, repositoryPath(name))).filter(
      (child) => !child.startsWith("_"),
    );
    const isWhole = request.isProject || below.length === 0;
    const hasUploads = plan.uploads > 0 && (await this.#hasUploads(name));
    const to = repositoryPath(targetOf(name, names));
    if (isWhole && !hasUploads && (await driver.moveFolder(repositoryPath(name), to))) {
      await removeEmptyAbove(driver, repositoryPath(name));
      return;
    }
    if (!request.isProject) return;
    for (const child of below) await this.#moveFolders(`${name}/${child}`, plan);
  }

  async #hasUploads(name: string): Promise<boolean> {
    const { signal, request } = this.#options;
    const { driver } = this.#dependencies;
    for await (const { uploads } of listRepositoryLinks(driver, name, {
      isProject: request.isProject,
      signal,
    }))
      if (uploads.size > 0) return true;
    return false;
  }

  /** What is there under the old name, also folders with nothing in them. */
  async #left(): Promise<string[]> {
    const { driver } = this.#dependencies;
    const { names, request, signal } = this.#options;
    const left: string[] = [];
    const options = { isProject: request.isProject, signal };
    for await (const { name } of listRepositoryLinks(driver, names.from, options)) left.push(name);
    return left;
  }
}

/** Removes the folders above one that is gone, as long as nothing is in them. */
async function removeEmptyAbove(driver: StorageDriver, path: string): Promise<void> {
  if (!hasEmptyFolders(driver)) return;
  for (let at = parentOf(path); at !== REPOSITORIES_ROOT; at = parentOf(at))
    if (!(await driver.removeFolder(at))) return;
}
