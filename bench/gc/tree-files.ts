import { digestOf } from "../../src/oci/digest.ts";
import { blobDataPath } from "../../src/registry/paths.ts";
import { RepositoryFiles } from "./repository-files.ts";
import { pushesPerRepository, type TreeShape } from "./tree-shape.ts";

/** One file of a store: its absolute path there, and its bytes. */
export interface TreeFile {
  path: string;
  content: Uint8Array | string;
}

/** One of several equal parts of a tree; `number` counts from 1. */
export interface TreePart {
  number: number;
  of: number;
}

/** The only part. */
export const WHOLE: TreePart = { number: 1, of: 1 };

/**
 * The files of a tree, each once. What a push or an orphan holds depends on the shape and its number alone, so the
 * parts together are the whole tree, whatever their number.
 */
export function* treeFiles(shape: TreeShape, part: TreePart = WHOLE): Generator<TreeFile> {
  const pushes = pushesPerRepository(shape);
  const [first, end] = rangeOf(part, shape.repositories * pushes);
  let repository: RepositoryFiles | undefined;
  for (let unit = first; unit < end; unit++) {
    const number = Math.floor(unit / pushes);
    if (repository?.number !== number) repository = new RepositoryFiles(shape, number);
    yield* repository.push(unit % pushes);
  }
  const [firstOrphan, endOrphans] = rangeOf(part, shape.orphans);
  for (let orphan = firstOrphan; orphan < endOrphans; orphan++) {
    const content = Buffer.from(`orphan ${shape.seed} ${orphan}`);
    yield { path: blobDataPath(digestOf(content)), content };
  }
}

/** How many manifests a tree has. */
export function countManifests(shape: TreeShape): number {
  const pushes = pushesPerRepository(shape);
  let manifests = 0;
  for (let number = 0; number < shape.repositories; number++) {
    const repository = new RepositoryFiles(shape, number);
    for (let push = 0; push < pushes; push++) manifests += repository.manifestsOf(push);
  }
  return manifests;
}

function rangeOf({ number, of }: TreePart, total: number): [first: number, end: number] {
  return [Math.floor(((number - 1) * total) / of), Math.floor((number * total) / of)];
}
