import type { DigestTable } from "../../registry/graph/digest-table.ts";
import {
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../registry/paths.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import { readSmallFile } from "../../registry/small-file.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** No digest is longer; a larger file in a link's place is not read. */
export const MAX_LINK_BYTES = 1024;

/** What a link says, undefined if there is no such file; or why it cannot be read. */
export type LinkRead = { text: string | undefined } | { error: unknown };

/** What was read of links, by path. */
export type LinkTexts = Map<string, LinkRead>;

/** Reads a link. Never rejects. */
export async function readLinkText(driver: StorageDriver, path: string): Promise<LinkRead> {
  try {
    return { text: textOf(await readSmallFile(driver, path, MAX_LINK_BYTES)) };
  } catch (error) {
    return { error };
  }
}

/** @returns the bytes of a link as text */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The paths of all links of a repository that a scan has found. */
export function* linkPathsOf(
  { name, tags, revisions, layers }: RepositoryEntries,
  table: DigestTable,
): Generator<string> {
  for (const [tag, { currentModifiedMs, history }] of tags) {
    if (currentModifiedMs !== undefined) yield tagCurrentLinkPath(name, tag);
    for (const id of history.ids()) yield tagHistoryLinkPath(name, tag, table.digestOf(id));
  }
  for (const id of revisions.ids()) yield revisionLinkPath(name, table.digestOf(id));
  for (const id of layers.ids()) yield layerLinkPath(name, table.digestOf(id));
}
