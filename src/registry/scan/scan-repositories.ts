import { isRepositoryName } from "../../oci/reference.ts";
import type { ScannedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { compareKeys } from "../../storage/key-order.ts";
import type { DigestTable } from "../graph/digest-table.ts";
import { classifyPath, REPOSITORIES_ROOT } from "../paths.ts";
import { outOfOrder } from "./out-of-order.ts";
import { RepositoryEntries } from "./repository-entries.ts";
import { type ScanOptions, scanFiles } from "./scan-files.ts";

/** An empty folder in place of a tag's link. One around it is what a push leaves that was killed. */
const LINKLESS_TAG = /\/_manifests\/tags\/[^/]+\/current\/link$/;

/** Options of {@link scanRepositories}. */
export interface RepositoryScanOptions extends ScanOptions {
  table: DigestTable;
  /** Called for each file that belongs to no repository. */
  onStray: (path: string) => void;
}

/**
 * Groups the files below `repositories` by repository. All files of a repository are neighbours in key order (its
 * folders begin with `_`, those of repositories below it never do), so one repository is in memory at a time.
 *
 * @throws {StorageUnavailableError} if the store does not list in key order: a repository could come in two pieces, and
 *   tags of one would not be known to need manifests of the other
 */
export async function* scanRepositories(
  driver: StorageDriver,
  options: RepositoryScanOptions,
): AsyncGenerator<RepositoryEntries> {
  const grouping = new Grouping(options);
  for await (const batch of scanFiles(driver, REPOSITORIES_ROOT, grouping.scanOptions)) {
    for (const file of batch) {
      const finished = grouping.add(file);
      if (finished) yield finished;
    }
  }
  const last = grouping.finish();
  if (last) yield last;
}

/** What a repository has whose name begins with `_`. */
export interface RepositoryParts {
  name: string;
  /** Names of folders. */
  parts: readonly string[];
  /** Paths of files, which the layout does not have. */
  files: readonly string[];
}

/**
 * Scans one repository.
 *
 * @returns undefined if there are no files
 */
export async function scanRepository(
  driver: StorageDriver,
  { name, parts, files }: RepositoryParts,
  options: RepositoryScanOptions,
): Promise<RepositoryEntries | undefined> {
  const grouping = new Grouping(options);
  for (const path of files) grouping.add({ path });
  for (const part of parts) {
    for await (const batch of scanFiles(
      driver,
      `${REPOSITORIES_ROOT}/${name}/${part}`,
      grouping.scanOptions,
    )) {
      for (const file of batch) grouping.add(file);
    }
  }
  return grouping.finish();
}

class Grouping {
  /** Options for the scan of the files that are added. */
  readonly scanOptions: ScanOptions;
  readonly #options: RepositoryScanOptions;
  readonly #linkless = new Set<string>();
  #current: RepositoryEntries | undefined;
  #lastPath = "";

  constructor(options: RepositoryScanOptions) {
    this.#options = options;
    const onEmptyFolder = (path: string): void => {
      options.onEmptyFolder?.(path);
      if (LINKLESS_TAG.test(path)) this.#linkless.add(repositoryNameOf(path) ?? "");
    };
    this.scanOptions = { ...options, onEmptyFolder };
  }

  /** @returns the repository before, if the file is the first one of another */
  add(file: ScannedFile): RepositoryEntries | undefined {
    if (file.path.endsWith("/")) return undefined; // an object store's mark for a folder
    const name = repositoryNameOf(file.path);
    if (name === undefined) {
      this.#options.onStray(file.path);
      return undefined;
    }
    let finished: RepositoryEntries | undefined;
    if (this.#current?.name !== name) {
      if (compareKeys(file.path, this.#lastPath) <= 0) throw outOfOrder(file.path, this.#lastPath);
      finished = this.finish();
    }
    this.#lastPath = file.path;
    this.#current ??= new RepositoryEntries(name, !isRepositoryName(name));
    addFile(this.#current, file, this.#options.table);
    return finished;
  }

  /** @returns the repository that is under way */
  finish(): RepositoryEntries | undefined {
    const entries = this.#current;
    this.#current = undefined;
    // The listing is ahead of the files that it has given.
    if (entries && this.#linkless.delete(entries.name)) entries.hasUnknownTags = true;
    return entries;
  }
}

/** @returns the repository below whose `_` folders a key stands, whether its name is valid or not */
export function repositoryNameOf(path: string): string | undefined {
  const below = path.slice(REPOSITORIES_ROOT.length + 1);
  const end = below.indexOf("/_");
  return end > 0 ? below.slice(0, end) : undefined;
}

function addFile(entries: RepositoryEntries, file: ScannedFile, table: DigestTable): void {
  const below = file.path.slice(REPOSITORIES_ROOT.length + 1 + entries.name.length + 1);
  // Under a name outside the grammar nothing is classified; there the rest of the path says what a file is.
  const entry = classifyPath(entries.isForeign ? `${REPOSITORIES_ROOT}/x/${below}` : file.path);
  switch (entry.kind) {
    case "layerLink":
      entries.layers.push(table.intern(entry.digest), file.modifiedMs);
      break;
    case "revisionLink":
      entries.revisions.push(table.intern(entry.digest), file.modifiedMs);
      break;
    case "tagLink":
      entries.addTagLink(entry.tag, file.modifiedMs);
      break;
    case "tagHistoryLink":
      entries.addHistoryLink(entry.tag, table.intern(entry.digest), file.modifiedMs);
      break;
    default:
      if (!below.startsWith("_uploads/")) entries.addUnknown(file.path, below, table);
  }
}
