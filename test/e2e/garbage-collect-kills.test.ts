import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { forEachConcurrently } from "../../src/lib/for-each-concurrently.ts";
import { journalsOf, readJournal, runCollector } from "../support/collector-process.ts";
import { expectSound } from "../support/expect-sound.ts";
import { folderInMemory } from "../support/folder-in-memory.ts";
import {
  type KillMoment,
  killCollection,
  PHASES_OF_DEATH,
  type PhaseOfDeath,
  pathsOfLine,
  type Wreck,
} from "../support/killed-collection.ts";
import type { LargeTreeSize } from "../support/large-tree.ts";
import { difference, type PreparedTree, prepareTree, type StoreCopy } from "../support/prepared-tree.ts";
import { pullAll } from "../support/pull-all.ts";
import { SeededRandom, seedFrom } from "../support/seeded-random.ts";
import { startServe } from "../support/serve-process.ts";
import { listStore } from "../support/store-files.ts";

const SEED = seedFrom("REGISTRY_CTL_KILL_SEED");
const TREES = 8;
/** The kills of one tree; all trees together are killed 200 times. */
const MOMENTS: readonly KillMoment[] = [
  ...times(5, "any time"),
  ...times(3, "after the lock"),
  ...times(2, "journal begun"),
  ...times(3, "journal grown"),
  ...times(2, "tag history"),
  ...times(3, "manifests"),
  ...times(3, "layer links"),
  ...times(1, "folder gone"),
  ...times(3, "blobs"),
];
/** Each thread that removes wants its share of them. */
const MANY_FILES: LargeTreeSize = { repositories: 26, pushes: 20, orphans: 14_000 };
/** A run may come to its end before the moment that was drawn. */
const MAX_DRAWS = 20;
/** Kills one after the other, each of the run that was to finish what the one before has left. */
const CHAIN_LENGTH = 6;

const deaths = new Map<PhaseOfDeath, number>(PHASES_OF_DEATH.map((phase) => [phase, 0]));

describe(`garbage-collect killed at random moments, REGISTRY_CTL_KILL_SEED=${SEED}`, () => {
  it.each(Array.from({ length: TREES }, (_, number) => SEED + number))(
    "loses nothing of tree %s, and one further run leaves what an unkilled one leaves",
    { timeout: 300_000 },
    async (seed) => {
      const prepared = await prepareTree(await folderInMemory(), seed);
      await forEachConcurrently(MOMENTS.entries(), 2, async ([round, moment]) => {
        const random = new SeededRandom(seed * 1000 + round);
        const { copy, wreck } = await killedCopy(prepared, moment, random);
        for (const phase of wreck.phases) deaths.set(phase, (deaths.get(phase) ?? 0) + 1);
        await expectNothingLost(prepared, copy, wreck);
        await expectSound(copy.rootDirectory);
        if (round === 0) await expectAllPulls(prepared, copy);
        if (random.chance(0.3)) tearJournal(copy, wreck, random);
        await expectFinished(prepared, copy, wreck);
        await copy.remove();
      });
    },
  );

  it("loses nothing when the run that finishes is killed too, again and again", {
    timeout: 120_000,
  }, async () => {
    const prepared = await prepareTree(await folderInMemory(), SEED - 1);
    const random = new SeededRandom(SEED - 1);
    const copy = await prepared.copy();
    let wreck: Wreck = { names: prepared.before, phases: new Set() };
    for (let kill = 0; kill < CHAIN_LENGTH; kill++) {
      wreck = (await killCollection(prepared, copy, "any time", random)) ?? wreck;
      await expectNothingLost(prepared, copy, wreck);
    }
    await expectAllPulls(prepared, copy);
    await expectFinished(prepared, copy, undefined);
  });

  it("loses nothing with as many threads and batches at work as there ever are", {
    timeout: 180_000,
  }, async () => {
    const seed = SEED - 2;
    const prepared = await prepareTree(await folderInMemory(), seed, MANY_FILES);
    let mostBatches = 0;
    for (const [round, moment] of (["layer links", "blobs", "blobs"] as const).entries()) {
      const { copy, wreck } = await killedCopy(prepared, moment, new SeededRandom(seed * 1000 + round));
      mostBatches = Math.max(mostBatches, mostBatchesAtATime(copy));
      await expectNothingLost(prepared, copy, wreck);
      await expectSound(copy.rootDirectory);
      await expectFinished(prepared, copy, wreck);
      await copy.remove();
    }
    expect(mostBatches).toBeGreaterThan(4);
  });

  it("has been killed in every phase", () => {
    const rare = [...deaths].filter(([phase, count]) => count === 0 && phase !== "start" && phase !== "end");
    expect(rare, JSON.stringify([...deaths])).toEqual([]);
  });
});

function times(count: number, moment: KillMoment): KillMoment[] {
  return Array.from({ length: count }, () => moment);
}

async function killedCopy(
  prepared: PreparedTree,
  moment: KillMoment,
  random: SeededRandom,
): Promise<{ copy: StoreCopy; wreck: Wreck }> {
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const copy = await prepared.copy();
    const wreck = await killCollection(prepared, copy, moment, random);
    if (wreck) return { copy, wreck };
    await copy.remove();
  }
  throw new Error(`${MAX_DRAWS} times it came to its end before the moment "${moment}"`);
}

async function expectNothingLost(prepared: PreparedTree, copy: StoreCopy, { names }: Wreck): Promise<void> {
  const lost = [...prepared.keep].filter((path) => !names.files.has(path));
  expect(lost.slice(0, 5)).toEqual([]);
  const appeared = [...names.files, ...names.folders].filter(
    (path) => !prepared.before.files.has(path) && !prepared.before.folders.has(path),
  );
  expect(appeared.slice(0, 5)).toEqual([]);
  const named = new Set(journalLines(copy).flatMap(pathsOfLine));
  const unnamed = [...prepared.before.files].filter((path) => !names.files.has(path) && !named.has(path));
  expect(unnamed.slice(0, 5), "removed, but in no journal").toEqual([]);
}

async function expectAllPulls({ tree }: PreparedTree, { rootDirectory }: StoreCopy): Promise<void> {
  const server = await startServe({ rootDirectory, readOnly: true, workers: 1 });
  try {
    expect(await pullAll(server.url, tree)).toBeGreaterThan(50);
  } finally {
    await server.stop();
  }
}

/** Another run finishes; all that goes, goes once. */
async function expectFinished(
  prepared: PreparedTree,
  { rootDirectory }: StoreCopy,
  wreck: Wreck | undefined,
): Promise<void> {
  const { exitCode, stdout, stderr } = await runCollector(rootDirectory);
  expect(exitCode, stderr).toBe(0);
  const names = listStore(rootDirectory);
  expect(difference(names.files, prepared.after.files)).toEqual([]);
  expect(difference(names.folders, prepared.after.folders)).toEqual([]);
  if (!wreck) return;
  const { blobs, manifests, layerLinks, tagHistoryLinks } = JSON.parse(stdout).deleted;
  const left = (phase: string): number =>
    (prepared.going.get(phase) ?? []).filter((path) => wreck.names.files.has(path)).length;
  expect({ blobs, manifests, layerLinks, tagHistoryLinks }).toEqual({
    blobs: left("blobs"),
    manifests: left("manifests"),
    layerLinks: left("layer links"),
    tagHistoryLinks: left("tag history"),
  });
}

/** Cuts the last line of the journal somewhere, as a full disk may, if nothing was done yet that it announces. */
function tearJournal(copy: StoreCopy, { names }: Wreck, random: SeededRandom): void {
  const path = journalsOf(copy.rootDirectory).at(-1);
  if (path === undefined) return;
  const { lines } = readJournal(path);
  if (!pathsOfLine(lines.at(-1)).every((each) => names.files.has(each))) return;
  const bytes = readFileSync(path);
  const start = bytes.lastIndexOf("\n", bytes.length - 2) + 1;
  writeFileSync(path, bytes.subarray(0, random.between(start, bytes.length)));
}

function mostBatchesAtATime(copy: StoreCopy): number {
  let [underWay, most] = [0, 0];
  for (const line of journalLines(copy)) {
    const keys = Object.keys(line ?? {});
    if (keys.includes("batch")) most = Math.max(most, ++underWay);
    else if (keys.includes("done")) underWay--;
  }
  return most;
}

function journalLines({ rootDirectory }: StoreCopy): unknown[] {
  return journalsOf(rootDirectory).flatMap((path) => readJournal(path).lines);
}
