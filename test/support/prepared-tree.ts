import { statSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { journalsOf, runCollector, stateDirectoryOf } from "./collector-process.ts";
import { type LargeTree, type LargeTreeSize, writeLargeTree } from "./large-tree.ts";
import { filesToKeep } from "./needed-oracle.ts";
import { SeededRandom } from "./seeded-random.ts";
import { listStore, type StoreNames } from "./store-files.ts";

const DIFFERENCES_SHOWN = 5;

/** Amounts that a report tells. */
interface ReportedAmounts {
  blobs: number;
  manifests: number;
  layerLinks: number;
  tagHistoryLinks: number;
}

/** A copy of a store; its files are hard links to those of the original, which nobody writes. */
export interface StoreCopy {
  rootDirectory: string;
  /** Removes it with its configuration and state. */
  remove(): Promise<void>;
}

/** A random tree, and what a collection that nobody disturbs makes of it. */
export interface PreparedTree {
  tree: LargeTree;
  before: StoreNames;
  after: StoreNames;
  /** What a brute-force search says must stay. */
  keep: ReadonlySet<string>;
  /** What goes: files by the phase in which they do. */
  going: ReadonlyMap<string, string[]>;
  /** Folders of repositories that go. */
  emptied: string[];
  deleted: ReportedAmounts;
  durationMs: number;
  journalBytes: number;
  copy(): Promise<StoreCopy>;
}

/**
 * Writes a random tree into a folder and measures a collection of a copy of it.
 *
 * @throws {Error} if that collection does not leave exactly what is to be kept
 */
export async function prepareTree(folder: string, seed: number, size?: LargeTreeSize): Promise<PreparedTree> {
  const rootDirectory = join(folder, `tree-${seed}`);
  const tree = writeLargeTree(rootDirectory, new SeededRandom(seed), size);
  const before = listStore(rootDirectory);
  const keep = await filesToKeep(new FilesystemDriver({ rootDirectory }), true);
  // Uploads are none of a collection's business.
  for (const file of before.files) if (file.includes("/_uploads/")) keep.add(file);
  let copies = 0;
  const copy = () => copyStore(rootDirectory, `${rootDirectory}-copy-${copies++}`);
  const whole = await copy();
  const startedMs = performance.now();
  const { exitCode, stdout, stderr } = await runCollector(whole.rootDirectory);
  const durationMs = performance.now() - startedMs;
  if (exitCode !== 0)
    throw new Error(`the collection of ${rootDirectory} failed with ${exitCode}: ${stderr}`);
  const after = listStore(whole.rootDirectory);
  const wrong = difference(after.files, keep);
  if (wrong.length > 0) throw new Error(`of seed ${seed}, kept wrongly or not at all: ${wrong.join(", ")}`);
  const journal = journalsOf(whole.rootDirectory).at(-1);
  const journalBytes = journal === undefined ? 0 : statSync(journal).size;
  await whole.remove();
  const gone = [...before.files].filter((path) => !keep.has(path));
  return {
    tree,
    before,
    after,
    keep,
    going: byPhase(gone),
    emptied: [...before.folders].filter((path) => !after.folders.has(path) && path.endsWith("/_manifests")),
    deleted: JSON.parse(stdout).deleted,
    durationMs,
    journalBytes,
    copy,
  };
}

/** What is in one of the sets only; the first few, and how many there are more. */
export function difference(left: ReadonlySet<string>, right: ReadonlySet<string>): string[] {
  const items = [
    ...[...left].filter((item) => !right.has(item)),
    ...[...right].filter((item) => !left.has(item)),
  ].sort();
  const rest = items.length - DIFFERENCES_SHOWN;
  return rest > 0 ? [...items.slice(0, DIFFERENCES_SHOWN), `and ${rest} more`] : items;
}

function byPhase(paths: readonly string[]): Map<string, string[]> {
  const phases = new Map<string, string[]>();
  for (const path of paths) {
    const phase = phaseOf(path);
    const ofPhase = phases.get(phase) ?? [];
    phases.set(phase, ofPhase);
    ofPhase.push(path);
  }
  return phases;
}

function phaseOf(path: string): string {
  if (path.includes("/v2/blobs/")) return "blobs";
  if (path.includes("/_layers/")) return "layer links";
  return path.includes("/_manifests/revisions/") ? "manifests" : "tag history";
}

async function copyStore(from: string, to: string): Promise<StoreCopy> {
  await execa("cp", ["-al", "--", from, to]);
  return {
    rootDirectory: to,
    remove: async () => {
      await execa("rm", ["-rf", "--", to, stateDirectoryOf(to), `${to}.config.yml`]);
    },
  };
}
