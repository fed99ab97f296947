import { CancelledError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import { digestAlgorithm, digestHex, isDigest } from "../../oci/digest.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { repositoryPath } from "../paths.ts";
import type { RepositoryEntries } from "../scan/repository-entries.ts";
import { readSmallFile } from "../small-file.ts";
import type { DigestId, DigestTable } from "./digest-table.ts";
import type { ManifestReferences } from "./manifest-references.ts";

/** One repository with its tags read and every manifest that matters to it loaded. */
export interface RepositoryGraph {
  entries: RepositoryEntries;
  /** What each readable tag points to. */
  tagTargets: Map<string, DigestId>;
  /** Tags whose link does not say a digest, with the reason. */
  brokenTags: Map<string, string>;
  /**
   * For a layer link whose bytes are stored under another digest, that one. The Go registry stores what was pushed
   * under a sha512 by its sha256, and makes two links, both to the latter.
   */
  layerTargets: Map<DigestId, DigestId>;
  /** Layer links that should have been read and could not be, with the reason. */
  brokenLayers: Map<DigestId, string>;
}

/** Options of {@link loadRepositoryGraph}. */
export interface GraphOptions {
  table: DigestTable;
  references: ManifestReferences;
  /** How many files are read at a time. */
  concurrency: number;
  signal?: AbortSignal | undefined;
}

/**
 * Reads the tags of a repository, and all its manifests with the children of indexes at any depth.
 *
 * @throws {CancelledError} when `signal` is aborted
 */
export async function loadRepositoryGraph(
  driver: StorageDriver,
  entries: RepositoryEntries,
  options: GraphOptions,
): Promise<RepositoryGraph> {
  const graph = graphOf(entries);
  await forEachConcurrently(entries.tags, options.concurrency, async ([tag, { currentModifiedMs }]) => {
    if (options.signal?.aborted) throw new CancelledError();
    if (currentModifiedMs !== undefined) await readTag(driver, graph, tag, options.table);
  });
  await forEachConcurrently(entries.layers.ids(), options.concurrency, async (id) => {
    // A sha256 is never stored under another digest, and links are many.
    if (options.table.algorithmOf(id) !== "sha256") await readLayerLink(driver, graph, id, options.table);
  });
  await loadManifests(driver, entries.revisions.ids(), options);
  await loadManifests(driver, graph.tagTargets.values(), options);
  await loadManifests(driver, entries.hiddenRevisions, options);
  return graph;
}

/** @returns the graph of a repository of which nothing has been read yet */
export function graphOf(entries: RepositoryEntries): RepositoryGraph {
  return {
    entries,
    tagTargets: new Map(),
    brokenTags: new Map(),
    layerTargets: new Map(),
    brokenLayers: new Map(),
  };
}

async function readTag(
  driver: StorageDriver,
  graph: RepositoryGraph,
  tag: string,
  table: DigestTable,
): Promise<void> {
  try {
    // Not `tagCurrentLinkPath`: the repository's name may be outside the grammar.
    const path = `${repositoryPath(graph.entries.name)}/_manifests/tags/${tag}/current/link`;
    const bytes = await readSmallFile(driver, path);
    const text = bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8").trim();
    if (text !== undefined && isDigest(text)) graph.tagTargets.set(tag, table.intern(text));
    else
      graph.brokenTags.set(
        tag,
        text === undefined ? "it is gone" : `it says ${JSON.stringify(text.slice(0, 100))}`,
      );
  } catch (error) {
    graph.brokenTags.set(tag, messageOf(error));
  }
}

async function readLayerLink(
  driver: StorageDriver,
  graph: RepositoryGraph,
  id: DigestId,
  table: DigestTable,
): Promise<void> {
  const digest = table.digestOf(id);
  try {
    const folder = `${repositoryPath(graph.entries.name)}/_layers/${digestAlgorithm(digest)}`;
    const bytes = await readSmallFile(driver, `${folder}/${digestHex(digest)}/link`);
    const text = bytes === undefined ? "" : Buffer.from(bytes).toString("utf8").trim();
    if (isDigest(text) && text !== digest) graph.layerTargets.set(id, table.intern(text));
  } catch (error) {
    graph.brokenLayers.set(id, messageOf(error));
  }
}

/** Loads manifests and, level by level, the manifests that they list. */
async function loadManifests(
  driver: StorageDriver,
  ids: Iterable<DigestId>,
  { references, concurrency, signal }: GraphOptions,
): Promise<void> {
  const seen = new Set<DigestId>();
  let level: Iterable<DigestId> = ids;
  for (;;) {
    const next: DigestId[] = [];
    await forEachConcurrently(level, concurrency, async (id) => {
      if (seen.has(id)) return;
      if (signal?.aborted) throw new CancelledError();
      seen.add(id);
      await references.load(driver, id);
      for (const child of references.childManifests(id)) if (!seen.has(child)) next.push(child);
    });
    if (next.length === 0) return;
    level = next;
  }
}
