import { createHash, randomFillSync } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { digestFromHex } from "../../src/oci/digest.ts";
import { blobDataPath, layerLinkPath } from "../../src/registry/paths.ts";
import { TREE_M, type TreeShape } from "../gc/tree-shape.ts";
import { writeTreeByProcesses } from "../gc/write-tree.ts";

/** What a store of the bench holds. */
export interface StoreShape {
  /** Links and manifests, mostly. */
  small: TreeShape;
  bigLayers: number;
  bigLayerBytes: number;
}

/** A registry of 20,000 files and 1 GiB: 19,990 small ones and 16 layers, as `aws s3 sync` was measured with. */
export const STORE_20K: StoreShape = {
  small: { ...TREE_M, repositories: 51, orphans: 84 },
  bigLayers: 16,
  bigLayerBytes: 64 * 1024 ** 2,
};

/** A million files, links mostly. */
export const STORE_1M: StoreShape = {
  small: { ...TREE_M, repositories: 2564, orphans: 40 },
  bigLayers: 0,
  bigLayerBytes: 0,
};

/**
 * Writes a store.
 *
 * @param root - its root directory
 * @returns how many files it has
 */
export async function writeStore(root: string, shape: StoreShape, signal: AbortSignal): Promise<number> {
  const files = await writeTreeByProcesses(root, shape.small, signal);
  const bytes = Buffer.allocUnsafeSlow(shape.bigLayerBytes);
  for (let number = 0; number < shape.bigLayers; number++) {
    signal.throwIfAborted();
    randomFillSync(bytes);
    const digest = digestFromHex("sha256", createHash("sha256").update(bytes).digest("hex"));
    const path = join(root, blobDataPath(digest));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
    const link = join(root, layerLinkPath("group-0/project-0", digest));
    mkdirSync(dirname(link), { recursive: true });
    writeFileSync(link, digest);
  }
  return files + 2 * shape.bigLayers;
}
