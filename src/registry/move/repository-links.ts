import { PathNotFoundError } from "../../errors.ts";
import type { ScannedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { repositoryPath } from "../paths.ts";
import { scanFiles } from "../scan/scan-files.ts";
import { repositoryNameOf } from "../scan/scan-repositories.ts";

/**
 * The links of a repository in the order in which they come to another name: who sees the links of one stage there finds
 * everything that those of the stages before lead to. They go from the old name in the opposite order.
 */
export const LINK_STAGES = ["layers", "revisions", "history", "tags"] as const;

/** One of {@link LINK_STAGES}. */
export type LinkStage = (typeof LINK_STAGES)[number];

/** A file of a repository that a move takes along. */
export interface LinkFile {
  /** Its path behind that of the repository and a slash. */
  below: string;
  /** Only where the listing brings it. */
  sizeBytes: number | undefined;
  modifiedMs: number | undefined;
}

/** What a listing found of one repository. Nothing has been read. */
export interface RepositoryLinks {
  name: string;
  links: Readonly<Record<LinkStage, LinkFile[]>>;
  /** Uploads that were not finished. */
  uploads: Set<string>;
  /** Files that the layout does not have, which a move leaves where they are. */
  strays: string[];
  /** Folders with nothing in them: a move that was killed may have left them. */
  emptyFolders: string[];
}

/** The folders of a repository in which its links are. */
const PARTS = ["_layers", "_manifests", "_uploads"];

/**
 * Lists the links of a repository, or of all at and below a name, one repository after the other.
 *
 * @throws {StorageUnavailableError} if a folder cannot be listed: what is in it would be left behind
 */
export async function* listRepositoryLinks(
  driver: StorageDriver,
  name: string,
  options: { isProject: boolean; signal?: AbortSignal | undefined },
): AsyncGenerator<RepositoryLinks> {
  const root = repositoryPath(name);
  const folders = options.isProject ? [root] : PARTS.map((part) => `${root}/${part}`);
  let current: RepositoryLinks | undefined;
  const empty = new Map<string, string[]>();
  for (const folder of folders) {
    const batches = scanFiles(driver, folder, {
      signal: options.signal,
      onFailure: ({ path, error }) => {
        // Somebody else removed an empty folder.
        if (!(error instanceof PathNotFoundError)) throw error;
        if (path === folder) return;
      },
      onEmptyFolder: (path) => {
        const owner = repositoryNameOf(`${path}/`);
        if (owner !== undefined) empty.set(owner, [...(empty.get(owner) ?? []), path]);
      },
    });
    for await (const batch of batches) {
      for (const file of batch) {
        const owner = file.path.endsWith("/") ? undefined : repositoryNameOf(file.path);
        if (owner === undefined) continue;
        if (current?.name !== owner) {
          if (current) yield finished(current, empty);
          current = newLinks(owner);
        }
        add(current, file);
      }
    }
  }
  if (current) yield finished(current, empty);
  // Those of which nothing is left but folders.
  for (const [owner, emptyFolders] of empty) yield { ...newLinks(owner), emptyFolders };
}

/** @returns what is there of one repository, and not of those below it */
export async function readRepositoryLinks(
  driver: StorageDriver,
  name: string,
  signal?: AbortSignal,
): Promise<RepositoryLinks> {
  for await (const found of listRepositoryLinks(driver, name, { isProject: false, signal })) return found;
  return newLinks(name);
}

/** Tells whether a repository has a manifest or a tag, or links of layers. */
export function hasLinks({ links }: RepositoryLinks): boolean {
  return LINK_STAGES.some((stage) => links[stage].length > 0);
}

function newLinks(name: string): RepositoryLinks {
  return {
    name,
    links: { layers: [], revisions: [], history: [], tags: [] },
    uploads: new Set(),
    strays: [],
    emptyFolders: [],
  };
}

function finished(found: RepositoryLinks, empty: Map<string, string[]>): RepositoryLinks {
  found.emptyFolders.push(...(empty.get(found.name) ?? []));
  empty.delete(found.name);
  return found;
}

function add(found: RepositoryLinks, { path, sizeBytes, modifiedMs }: ScannedFile): void {
  const below = path.slice(repositoryPath(found.name).length + 1);
  const stage = stageOf(below);
  if (stage !== undefined) found.links[stage].push({ below, sizeBytes, modifiedMs });
  else if (below.startsWith("_uploads/")) found.uploads.add(below.split("/", 2)[1] ?? "");
  else found.strays.push(path);
}

/** Signatures of schema 1 lie below their revision, and come with it. */
function stageOf(below: string): LinkStage | undefined {
  if (below.startsWith("_layers/")) return "layers";
  if (below.startsWith("_manifests/revisions/")) return "revisions";
  if (!below.startsWith("_manifests/tags/")) return undefined;
  return /^_manifests\/tags\/[^/]+\/current\/link$/.test(below) ? "tags" : "history";
}
