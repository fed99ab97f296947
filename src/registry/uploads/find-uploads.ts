import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import { canScan, hasSynchronousFolders, type ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { hasUnfinishedWrites } from "../../storage/object-store-abilities.ts";
import { subfolderNames } from "../list-folder.ts";
import { classifyPath, REPOSITORIES_ROOT, ROOT, repositoryPath, uploadsPath } from "../paths.ts";
import { scanFiles } from "../scan/scan-files.ts";
import type { UploadName } from "./look-at-upload.ts";
import { isUploadId } from "./upload-files.ts";

/** How many things that are no uploads are told by name. */
export const STRAYS_SHOWN = 5;

/** An upload that was found. */
export interface FoundUpload extends UploadName {
  /** The latest time that the listing gave of its files; undefined if it gave none. */
  writtenMs: number | undefined;
}

/** What has been begun in a store and not finished. */
export interface FoundUploads {
  /** By repository and id. */
  uploads: FoundUpload[];
  /** Paths of blobs to which somebody has written parts without an upload, and not completed them. */
  parts: string[];
  /** What lies among uploads and is none: how much, and the first few paths. */
  strays: { count: number; first: string[] };
  /** What could not be listed. */
  failures: ScanFailure[];
}

/** Options of {@link findUploads}. */
export interface FindOptions {
  /** Called now and then with the number of uploads found so far. */
  onProgress?: ((found: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Finds all uploads of all repositories, also what is left of broken ones. Blocks nothing, so that a server may do it.
 * On a filesystem only folders of repositories and uploads are looked into; an object store is listed flat, which takes far
 * fewer requests than a look into each folder.
 *
 * @throws {StorageUnavailableError} if nothing can be listed at all
 * @throws {CancelledError} when `signal` is aborted
 */
export async function findUploads(driver: StorageDriver, options: FindOptions = {}): Promise<FoundUploads> {
  const finder = new Finder(options);
  if (canScan(driver) && !hasSynchronousFolders(driver)) await finder.scan(driver);
  else await finder.lookInto(driver, "");
  await finder.addUnfinished(driver);
  return finder.found();
}

class Finder {
  readonly #options: FindOptions;
  readonly #uploads = new Map<string, FoundUpload>();
  readonly #parts = new Set<string>();
  readonly #strays: FoundUploads["strays"] = { count: 0, first: [] };
  readonly #failures: ScanFailure[] = [];

  constructor(options: FindOptions) {
    this.#options = options;
  }

  async scan(driver: StorageDriver): Promise<void> {
    const { signal, onProgress } = this.#options;
    const onFailure = (failure: ScanFailure): void => void this.#failures.push(failure);
    for await (const batch of scanFiles(driver, REPOSITORIES_ROOT, { onFailure, signal })) {
      for (const { path, modifiedMs } of batch) {
        if (!path.includes("/_uploads/") || path.endsWith("/")) continue;
        const entry = classifyPath(path);
        if (entry.kind === "upload" && isUploadId(entry.uuid)) this.#add(entry, modifiedMs);
        else if (entry.kind === "upload") this.#addStray(path);
      }
      onProgress?.(this.#uploads.size);
    }
  }

  /** @param repository - may be a folder with repositories below it; empty for that of all */
  async lookInto(driver: StorageDriver, repository: string): Promise<void> {
    const folder = repository === "" ? REPOSITORIES_ROOT : repositoryPath(repository);
    for (const name of await this.#subfolders(driver, folder)) {
      if (name === "_uploads" && repository !== "") await this.#addUploads(driver, repository);
      const below = repository === "" ? name : `${repository}/${name}`;
      // A name outside the grammar is no repository, and links that lead in circles end here.
      if (isRepositoryName(below)) await this.lookInto(driver, below);
    }
  }

  async addUnfinished(driver: StorageDriver): Promise<void> {
    if (!hasUnfinishedWrites(driver)) return;
    try {
      for await (const { path } of driver.listUnfinished(ROOT)) {
        this.#checkSignal();
        const entry = classifyPath(path);
        const isUpload = entry.kind === "upload" && isUploadId(entry.uuid) && entry.file === "data";
        if (isUpload) this.#add(entry, undefined);
        else if (entry.kind === "blob") this.#parts.add(path);
        else this.#addStray(path);
      }
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      this.#failures.push({ path: ROOT, error });
    }
  }

  /** @throws what kept even the first folder from being listed, as nothing is known then */
  found(): FoundUploads {
    const blind = this.#failures.find(({ path }) => path === REPOSITORIES_ROOT);
    if (blind) throw blind.error;
    const uploads = [...this.#uploads.values()].sort(
      (a, b) => compare(a.repository, b.repository) || compare(a.uuid, b.uuid),
    );
    return { uploads, parts: [...this.#parts].sort(), strays: this.#strays, failures: this.#failures };
  }

  async #addUploads(driver: StorageDriver, repository: string): Promise<void> {
    const folder = uploadsPath(repository);
    for (const uuid of await this.#subfolders(driver, folder)) {
      if (isUploadId(uuid)) this.#add({ repository, uuid }, undefined);
      else this.#addStray(`${folder}/${uuid}`);
    }
    this.#options.onProgress?.(this.#uploads.size);
  }

  async #subfolders(driver: StorageDriver, path: string): Promise<string[]> {
    this.#checkSignal();
    try {
      return await subfolderNames(driver, path);
    } catch (error) {
      // It has gone since it was seen, or nothing has ever been pushed.
      if (!(error instanceof PathNotFoundError)) this.#failures.push({ path, error });
      return [];
    }
  }

  #add({ repository, uuid }: UploadName, modifiedMs: number | undefined): void {
    const key = `${repository}/${uuid}`;
    const known = this.#uploads.get(key);
    if (known === undefined) this.#uploads.set(key, { repository, uuid, writtenMs: modifiedMs });
    else if (modifiedMs !== undefined) known.writtenMs = Math.max(known.writtenMs ?? 0, modifiedMs);
  }

  #addStray(path: string): void {
    this.#strays.count++;
    if (this.#strays.first.length < STRAYS_SHOWN) this.#strays.first.push(path);
  }

  #checkSignal(): void {
    if (this.#options.signal?.aborted) throw new CancelledError();
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
