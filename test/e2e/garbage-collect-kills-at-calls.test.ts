import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { expectNextRunFinishes, expectNothingLost } from "../support/expect-collected.ts";
import { expectSound } from "../support/expect-sound.ts";
import { folderInMemory } from "../support/folder-in-memory.ts";
import { describeWithFaults, runWithFault, traceCalls } from "../support/injected-faults.ts";
import { type PreparedTree, prepareTree } from "../support/prepared-tree.ts";
import { SeededRandom, seedFrom } from "../support/seeded-random.ts";

const RANDOM_FOLDERS = 12;
const SEED = seedFrom("REGISTRY_CTL_KILL_SEED");

let prepared: PreparedTree;
let removeFolder: () => Promise<void>;

beforeAll(async () => {
  const folder = await folderInMemory((remove) => {
    removeFolder = remove;
  });
  prepared = await prepareTree(folder, SEED, { repositories: 8, pushes: 8, orphans: 40 });
});

afterAll(() => removeFolder());

async function copyTree(): Promise<string> {
  const copy = await prepared.copy();
  onTestFinished(() => copy.remove());
  return copy.rootDirectory;
}

/** Folders that go, with those that must be tried: above an emptied repository, and all of one tag's history. */
function goingFolders(): string[] {
  const going = [...prepared.before.folders].filter((path) => !prepared.after.folders.has(path));
  const random = new SeededRandom(SEED);
  const some = Array.from({ length: RANDOM_FOLDERS }, () => random.pick(going));
  const above = going.filter((path) => /\/repositories\/(group|void)(\/|$)/.test(path));
  const history = going.filter((path) => path.includes("/tags/lost"));
  return [...new Set([...history.slice(0, 4), ...above, ...some])];
}

describeWithFaults(`garbage-collect killed at a system call, REGISTRY_CTL_KILL_SEED=${SEED}`, () => {
  it("leaves no folder behind for good where it is killed before it removes one", {
    timeout: 180_000,
  }, async () => {
    for (const folder of goingFolders()) {
      const rootDirectory = await copyTree();
      const path = `${rootDirectory}${folder}`;
      const end = await runWithFault(rootDirectory, {
        calls: "rmdir",
        when: "1",
        effect: "signal=KILL",
        path,
      });
      expect(end.signal, `${folder}: ${end.stderr}`).toBe("SIGKILL");
      expectNothingLost(prepared, rootDirectory);
      await expectNextRunFinishes(prepared, rootDirectory, folder);
    }
  });

  // What a random moment seldom hits: between the removals of two folders, within the lock, between two journal lines.
  it.each([
    { calls: "unlink", first: 4, more: 6 },
    { calls: "write", first: 4, more: 8 },
    { calls: "pwrite64", first: 3, more: 0 },
    { calls: "mkdir", first: 4, more: 0 },
    { calls: "rename", first: 3, more: 0 },
    { calls: "link", first: 3, more: 0 },
    { calls: "fsync", first: 4, more: 6 },
  ])(
    "loses nothing, and one further run leaves what an unkilled one leaves: $calls",
    { timeout: 120_000 },
    async ({ calls, first, more }) => {
      const random = new SeededRandom(SEED);
      const numbers = [
        ...new Set((await traceCalls(await copyTree(), calls)).map(({ number }) => number)),
      ].sort((one, other) => one - other);
      const chosen = numbers.slice(0, first);
      for (let count = 0; count < more && numbers.length > first; count++) chosen.push(random.pick(numbers));
      for (const number of chosen) {
        const rootDirectory = await copyTree();
        const end = await runWithFault(rootDirectory, { calls, when: `${number}`, effect: "signal=KILL" });
        expect(end.signal === "SIGKILL" || end.exitCode === 0, end.stderr).toBe(true);
        expectNothingLost(prepared, rootDirectory);
        await expectSound(rootDirectory);
        await expectNextRunFinishes(prepared, rootDirectory);
      }
    },
  );
});
