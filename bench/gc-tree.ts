import { parseArgs } from "node:util";
import { countManifests, type TreePart } from "./gc/tree-files.ts";
import { describeShape, parseShape } from "./gc/tree-shape.ts";
import { writeTree, writeTreeByProcesses } from "./gc/write-tree.ts";

/**
 * Writes a synthetic registry, to measure other things with.
 *
 * @param args - the store's root directory and the flags of its shape; with `--part 1/2` it writes that part alone
 * @throws {Error} if a flag is wrong, or the folder has files of a registry already
 */
export async function gcTree(args: readonly string[]): Promise<void> {
  const [root = "", ...flags] = args;
  if (root === "" || root.startsWith("-")) throw new Error("usage: gc-tree FOLDER [--repositories N ...]");
  const part = flags.find((flag) => flag.startsWith("--part="));
  const shape = parseShape(flags.filter((flag) => flag !== part));
  if (part !== undefined) {
    console.log(`${writeTree(root, shape, parsePart(part))} files`);
    return;
  }
  const began = performance.now();
  const files = await writeTreeByProcesses(root, shape, new AbortController().signal);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${describeShape(shape)}: ${countManifests(shape)} manifests, ${files} files in ${seconds} s`);
}

function parsePart(flag: string): TreePart {
  const { values } = parseArgs({ args: [flag], options: { part: { type: "string" } } });
  const [number, of] = (values.part ?? "").split("/").map(Number);
  if (!number || !of || number > of) throw new Error(`${flag}: expected a part such as 1/2`);
  return { number, of };
}
