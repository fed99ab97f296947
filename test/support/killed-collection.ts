import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type CollectorProcess,
  isLocked,
  journalsOf,
  readJournal,
  startCollector,
} from "./collector-process.ts";
import type { PreparedTree, StoreCopy } from "./prepared-tree.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { listStore, type StoreNames } from "./store-files.ts";

/** Where a collection may be when it is killed, in the order of time. */
export const PHASES_OF_DEATH = [
  "start",
  "plan",
  "journal",
  "tag history",
  "manifests",
  "layer links",
  "empty repositories",
  "blobs",
  "end",
] as const;

/** Where a collection was when it was killed. */
export type PhaseOfDeath = (typeof PHASES_OF_DEATH)[number];

/** Kinds of files that a collection removes, in the order in which it does. */
const KINDS = ["tag history", "manifests", "layer links", "blobs"] as const;

/** How the moment of a kill is chosen. */
export type KillMoment =
  | "any time"
  | "after the lock"
  | "journal begun"
  | "journal grown"
  | "folder gone"
  | (typeof KINDS)[number];

/** What a killed collection left. */
export interface Wreck {
  names: StoreNames;
  phases: Set<PhaseOfDeath>;
}

/**
 * Starts a collection of a copy and kills it at a moment that is drawn at random among those of a kind.
 *
 * @returns undefined if it came to its end first
 */
export async function killCollection(
  tree: PreparedTree,
  copy: StoreCopy,
  moment: KillMoment,
  random: SeededRandom,
): Promise<Wreck | undefined> {
  const run = await startCollector(copy.rootDirectory);
  await waitForMoment(run, chooseMoment(tree, copy, moment, random));
  run.send("SIGKILL");
  const { signal, exitCode, stderr } = await run.ended;
  if (signal !== "SIGKILL" && exitCode !== 0)
    throw new Error(`it ended by itself with ${exitCode}: ${stderr}`);
  if (signal !== "SIGKILL") return undefined;
  const names = listStore(copy.rootDirectory);
  return { names, phases: phasesOfDeath(tree, copy, names) };
}

/** Looks as often as it can, but lets other work go on. */
async function waitForMoment(run: CollectorProcess, isTime: () => boolean): Promise<void> {
  while (run.isRunning() && !isTime()) await new Promise((resolve) => setTimeout(resolve, 1));
}

function chooseMoment(
  tree: PreparedTree,
  { rootDirectory }: StoreCopy,
  moment: KillMoment,
  random: SeededRandom,
): () => boolean {
  const startedMs = performance.now();
  const delayMs = random.fraction() * tree.durationMs;
  switch (moment) {
    case "any time":
      return () => performance.now() - startedMs > delayMs;
    case "after the lock": {
      let lockedMs = Number.POSITIVE_INFINITY;
      return () => {
        if (lockedMs > performance.now() && isLocked(rootDirectory)) lockedMs = performance.now();
        return performance.now() - lockedMs >= delayMs / 4;
      };
    }
    case "journal begun":
      return () => journalBytes(rootDirectory) > 0;
    case "journal grown": {
      const bytes = random.fraction() * tree.journalBytes;
      return () => journalBytes(rootDirectory) > bytes;
    }
    case "folder gone": {
      const folder = join(rootDirectory, random.pick(tree.emptied));
      return () => !existsSync(folder);
    }
    default: {
      const file = join(rootDirectory, random.pick(tree.going.get(moment) ?? []));
      return () => !existsSync(file);
    }
  }
}

function journalBytes(rootDirectory: string): number {
  const path = journalsOf(rootDirectory).at(-1);
  return path === undefined ? 0 : statSync(path).size;
}

/** @throws {Error} if something went before what refers to it */
function phasesOfDeath(
  tree: PreparedTree,
  { rootDirectory }: StoreCopy,
  names: StoreNames,
): Set<PhaseOfDeath> {
  const isPresent = (path: string): boolean => names.files.has(path);
  let phase: PhaseOfDeath | undefined;
  for (const kind of KINDS) {
    const going = tree.going.get(kind) ?? [];
    const left = going.filter(isPresent).length;
    if (phase !== undefined && left < going.length)
      throw new Error(`${kind} began to go in the phase ${phase}`);
    if (left > 0) phase ??= kind;
  }
  const isBeforeBlobs = phase === "blobs" && (tree.going.get("blobs") ?? []).every(isPresent);
  if (isBeforeBlobs) phase = "empty repositories";
  if (phase === "tag history" && (tree.going.get("tag history") ?? []).every(isPresent)) {
    const isBegun = journalBytes(rootDirectory) > 0;
    phase = isBegun ? "journal" : isLocked(rootDirectory) ? "plan" : "start";
  }
  const phases = new Set<PhaseOfDeath>([phase ?? "end"]);
  if (diedInJournal(rootDirectory, isPresent)) phases.add("journal");
  return phases;
}

/** The last line is torn, or names a batch of which nothing has gone yet. */
function diedInJournal(rootDirectory: string, isPresent: (path: string) => boolean): boolean {
  const path = journalsOf(rootDirectory).at(-1);
  if (path === undefined) return false;
  const { lines, isTorn } = readJournal(path);
  const paths = pathsOfLine(lines.at(-1));
  return isTorn || (paths.length > 0 && paths.every(isPresent));
}

/** Paths that a line of a journal says will be removed. */
export function pathsOfLine(line: unknown): string[] {
  if (typeof line !== "object" || line === null || !("paths" in line) || !Array.isArray(line.paths))
    return [];
  return line.paths.map(String);
}
