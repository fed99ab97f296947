import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { runProgram } from "./run-program.ts";
import { type TreePart, treeFiles, WHOLE } from "./tree-files.ts";
import { shapeFlags, type TreeShape } from "./tree-shape.ts";

/** Writing files is the kernel's work, of which more processes than this get no more done. */
const MAX_PROCESSES = 4;

/**
 * Writes a tree, or a part of it, in this process.
 *
 * @param root - the store's root directory
 * @returns how many files it wrote
 * @throws {Error} with code `EEXIST` if one is there already
 */
export function writeTree(root: string, shape: TreeShape, part: TreePart = WHOLE): number {
  let files = 0;
  for (const { path, content } of treeFiles(shape, part)) {
    const target = root + path;
    makeFolder(target.slice(0, target.lastIndexOf("/")));
    const descriptor = openSync(target, "wx", 0o644);
    try {
      writeSync(descriptor, Buffer.from(content));
    } finally {
      closeSync(descriptor);
    }
    files++;
  }
  return files;
}

/**
 * Writes a tree by as many processes as there are cores.
 *
 * @returns how many files they wrote
 * @throws {Error} if one fails, or by `signal`
 */
export async function writeTreeByProcesses(
  root: string,
  shape: TreeShape,
  signal: AbortSignal,
): Promise<number> {
  const of = Math.min(availableParallelism(), MAX_PROCESSES);
  const bench = [...process.execArgv, fileURLToPath(new URL("../run.ts", import.meta.url))];
  const parts = Array.from({ length: of }, (_, index) =>
    runProgram(
      [process.execPath, ...bench, "gc-tree", root, `--part=${index + 1}/${of}`, ...shapeFlags(shape)],
      signal,
    ),
  );
  // All of them: a tree that another process still writes to cannot be removed.
  await Promise.allSettled(parts);
  const counts = (await Promise.all(parts)).map((output) => Number.parseInt(output, 10));
  return counts.reduce((sum, count) => sum + count, 0);
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "ENOENT") mkdirSync(folder, { recursive: true });
    else if (error.code !== "EEXIST") throw error;
  }
}
