import { isRepositoryName } from "../../oci/reference.ts";
import type { ScannedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { DigestTable } from "../graph/digest-table.ts";
import { classifyPath, REPOSITORIES_ROOT } from "../paths.ts";
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
 */
export async function* scanRepositories(
  driver: StorageDriver,
  options: RepositoryScanOptions,
): AsyncGenerator<RepositoryEntries> {
  let current: RepositoryEntries | undefined;
  const linkless = new Set<string>();
  const onEmptyFolder = (path: string): void => {
    options.onEmptyFolder?.(path);
    if (LINKLESS_TAG.test(path)) linkless.add(repositoryNameOf(path) ?? "");
  };
  const finish = (entries: RepositoryEntries): RepositoryEntries => {
    // The listing is ahead of the files that it has given.
    if (linkless.delete(entries.name)) entries.hasUnknownTags = true;
    return entries;
  };
  for await (const batch of scanFiles(driver, REPOSITORIES_ROOT, { ...options, onEmptyFolder })) {
    for (const file of batch) {
      if (file.path.endsWith("/")) continue; // an object store's mark for a folder
      const name = repositoryNameOf(file.path);
      if (name === undefined) {
        options.onStray(file.path);
        continue;
      }
      if (current?.name !== name) {
        if (current) yield finish(current);
        current = new RepositoryEntries(name, !isRepositoryName(name));
      }
      addFile(current, file, options.table);
    }
  }
  if (current) yield finish(current);
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
    case "upload":
      entries.hasUploads = true;
      break;
    default:
      if (below.startsWith("_uploads/")) entries.hasUploads = true;
      else entries.addUnknown(file.path, below);
  }
}
