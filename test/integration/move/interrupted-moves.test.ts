import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { repositoryPath } from "../../../src/registry/paths.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import type { StorageMethod } from "../../../src/storage/wrappers/wrap-driver.ts";
import { dyingDriver, moveIn, newMoves } from "../../support/move-world.ts";
import { type PullableTags, pullableTags } from "../../support/pullable-tags.ts";
import { buildRandomTree, pushSteps } from "../../support/random-tree.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const PROJECT = ["a", "a/b"];

/** Where a repository of the project a goes. */
function targetOf(name: string, target: string): string {
  return target + name.slice("a".length);
}

interface Case {
  /** A name that is not there, or one that is. */
  target: string;
  merge: boolean;
  without?: StorageMethod[];
}

/** Moves a project, dies after some changes, looks at the store after each, and moves again. */
async function moveAndDie(
  store: StorageDriver,
  steps: Parameters<typeof buildRandomTree>[1],
  dieAfter: number,
  { target, merge, without = [] }: Case,
): Promise<void> {
  const tree = new RegistryTree(store);
  await buildRandomTree(tree, steps);
  const before = new Map<string, PullableTags>();
  for (const name of [...PROJECT, ...PROJECT.map((each) => targetOf(each, target))])
    before.set(name, await pullableTags(store, name));
  const wholeBefore = (name: string) => before.get(name)?.whole ?? {};
  const brokenBefore = (name: string) => before.get(name)?.broken ?? [];
  const isThere = (found: PullableTags, wanted: Record<string, string>) =>
    Object.entries(wanted).every(([tag, digest]) => found.whole[tag] === digest);

  const look = async (): Promise<void> => {
    for (const name of PROJECT) {
      const to = targetOf(name, target);
      const [old, moved] = [await pullableTags(store, name), await pullableTags(store, to)];
      const isWhole = [old, moved].some((found) => isThere(found, wholeBefore(name)));
      expect(isWhole, `${name} or ${to} has everything`).toBe(true);
      expect(isThere(moved, wholeBefore(to)), `${to} has what it had`).toBe(true);
      for (const found of [old, moved])
        for (const tag of found.broken)
          expect([...brokenBefore(name), ...brokenBefore(to)], "no tag without what it needs").toContain(tag);
    }
  };
  const moves = newMoves();
  const request = { old: "a", new: target, isProject: true, merge };
  const files = await tree.files();
  try {
    await moveIn(dyingDriver(store, dieAfter, look, without), request, { moves });
  } catch (error) {
    const message = String(error);
    if (/there is no repository|would have to point to two/.test(message)) {
      // Refused: nothing has changed, but for the lock, which is gone too.
      expect(await tree.files()).toEqual(files);
      return;
    }
    if (!message.includes("killed")) throw error;
    await look();
    await moveIn(store, request, { moves });
  }
  for (const name of PROJECT) {
    const to = targetOf(name, target);
    expect(await pullableTags(store, to)).toEqual({
      whole: { ...wholeBefore(to), ...wholeBefore(name) },
      broken: expect.toSatisfy((tags: string[]) =>
        tags.every((tag) => [...brokenBefore(name), ...brokenBefore(to)].includes(tag)),
      ),
    });
    expect(await tree.files(`${repositoryPath(name)}/_manifests`)).toEqual([]);
    expect(await tree.files(`${repositoryPath(name)}/_layers`)).toEqual([]);
  }
  expect(moves.list()).toEqual([]);
}

const CASES: readonly Case[] = [
  { target: "new/a", merge: false },
  { target: "c", merge: true },
];

describe("a move that is killed after any change", () => {
  it.each(CASES)(
    "has everything under one of both names, and is finished by the next, in memory %j",
    async (options) => {
      await fc.assert(
        fc.asyncProperty(pushSteps, fc.nat(120), async (steps, dieAfter) => {
          await moveAndDie(new MemoryDriver(), steps, dieAfter, options);
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each([...CASES, { target: "new/a", merge: false, without: ["moveFolder" as const] }])(
    "has the same on a disk %j",
    async (options) => {
      await fc.assert(
        fc.asyncProperty(pushSteps, fc.nat(40), async (steps, dieAfter) => {
          const folder = await mkdtemp(join(tmpdir(), "registry-ctl-move-"));
          try {
            await moveAndDie(new FilesystemDriver({ rootDirectory: folder }), steps, dieAfter, options);
          } finally {
            await rm(folder, { recursive: true, force: true });
          }
        }),
        { numRuns: 8 },
      );
    },
  );
});
