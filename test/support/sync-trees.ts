import * as fc from "fast-check";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../src/registry/paths.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";

/** One thing in a store, made from a few numbers so that two stores often have the same. */
export interface TreeItem {
  kind: "blob" | "layer" | "manifest" | "tag" | "upload" | "stray";
  repository: number;
  content: number;
  tag: number;
}

/** Small stores in which everything that is named is there. */
export const treeItems: fc.Arbitrary<TreeItem[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<TreeItem["kind"]>("blob", "layer", "manifest", "tag", "tag", "upload", "stray"),
    repository: fc.nat(3),
    content: fc.nat(5),
    tag: fc.nat(2),
  }),
  { maxLength: 30 },
);

const REPOSITORIES = ["a", "a/b", "a0", "team/app"];

/** The bytes of a blob; every third has a SHA-512 digest. */
export function contentOf(number: number): { bytes: Uint8Array; digest: Digest } {
  const bytes = Buffer.from(`content ${"x".repeat(number)}`);
  return { bytes, digest: digestOf(bytes, number % 3 === 2 ? "sha512" : "sha256") };
}

/** @returns the files of a store, by path */
export function filesOfTree(items: readonly TreeItem[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const item of items) addItem(files, item);
  return files;
}

function addItem(files: Map<string, Uint8Array>, item: TreeItem): void {
  const repository = REPOSITORIES[item.repository] ?? "a";
  const { bytes, digest } = contentOf(item.content);
  const link = Buffer.from(digest);
  if (item.kind === "upload") {
    files.set(`/docker/registry/v2/repositories/${repository}/_uploads/${item.content}/data`, bytes);
    return;
  }
  if (item.kind === "stray") {
    files.set(strayPath(item, repository), bytes);
    return;
  }
  files.set(blobDataPath(digest), bytes);
  if (item.kind === "blob") return;
  files.set(layerLinkPath(repository, digest), link);
  if (item.kind === "layer") return;
  files.set(revisionLinkPath(repository, digest), link);
  if (item.kind === "manifest") return;
  files.set(tagCurrentLinkPath(repository, `t${item.tag}`), link);
  files.set(tagHistoryLinkPath(repository, `t${item.tag}`, digest), link);
}

function strayPath({ content, tag }: TreeItem, repository: string): string {
  const root = "/docker/registry/v2";
  const paths = [
    `${root}/notes-${tag}`,
    `${root}/more/notes`,
    `${root}/blobs/notes`,
    `${root}/repositories/${repository}/_manifests/tags/.odd/current/link`,
    `${root}/repositories/${repository}/_manifests/notes`,
    `${root}/repositories/UPPER/_manifests/revisions/link`,
  ];
  return paths[content] ?? `${root}/notes`;
}

/** Writes files into a store. */
export async function writeFiles(
  driver: StorageDriver,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const [path, bytes] of files) await driver.put(path, bytes);
}

/** The text of everything that a store holds but for unfinished uploads. */
export async function copiedFilesOf(driver: StorageDriver): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { path } of driver.walk("/")) {
    if (!path.includes("/_uploads/")) files[path] = Buffer.from(await driver.get(path)).toString();
  }
  return files;
}
