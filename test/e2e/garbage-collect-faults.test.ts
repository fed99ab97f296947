import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { runCollector } from "../support/collector-process.ts";
import {
  expectCollected,
  expectNextRunFinishes,
  expectNothingLost,
  expectUntouched,
} from "../support/expect-collected.ts";
import { expectSound } from "../support/expect-sound.ts";
import { folderInMemory } from "../support/folder-in-memory.ts";
import { fillDisk, type Scarce } from "../support/full-disk.ts";
import { describeWithFaults, runWithFault, traceCalls } from "../support/injected-faults.ts";
import { difference, type PreparedTree, prepareTree, type StoreCopy } from "../support/prepared-tree.ts";
import { describeAsRoot, findProgram } from "../support/programs.ts";
import { SeededRandom, seedFrom } from "../support/seeded-random.ts";
import { REGISTRY_CTL_PATH } from "../support/serve-process.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { listStore } from "../support/store-files.ts";

const SEED = seedFrom("REGISTRY_CTL_FAULT_SEED");
const SIZE = { repositories: 8, pushes: 8, orphans: 60 };
const REPOSITORIES = "docker/registry/v2/repositories";
const NOBODY = 65_534;

let prepared: PreparedTree;
let removeFolder: () => Promise<void>;

beforeAll(async () => {
  const folder = await folderInMemory((remove) => {
    removeFolder = remove;
  });
  prepared = await prepareTree(folder, SEED, SIZE);
});

afterAll(() => removeFolder());

/** A copy of the tree, for the test that asks for it. */
async function copyTree(): Promise<string> {
  const copy: StoreCopy = await prepared.copy();
  onTestFinished(() => copy.remove());
  return copy.rootDirectory;
}

/** The same with files of its own, whose owner may be changed. */
async function copyTreeTo(folder: string): Promise<string> {
  const rootDirectory = join(folder, "registry");
  await execa("cp", ["-a", prepared.tree.rootDirectory, rootDirectory]);
  return rootDirectory;
}

describeAsRoot("garbage-collect on a full disk", () => {
  it.each<{ scarce: Scarce; what: string }>([
    { scarce: "bytes", what: "store and state" },
    { scarce: "bytes", what: "store" },
    { scarce: "bytes", what: "state" },
    { scarce: "inodes", what: "store and state" },
    { scarce: "inodes", what: "store" },
    { scarce: "inodes", what: "state" },
  ])("frees everything although there are no free $scarce for its $what", async ({ scarce, what }) => {
    const disk = mountSmallDisk(scarce === "bytes" ? "size=16m" : "nr_inodes=12000");
    if (!disk) throw new Error("root cannot mount a tmpfs");
    onTestFinished(() => disk.unmount());
    const elsewhere = await folderInMemory();
    const rootDirectory = await copyTreeTo(what === "state" ? elsewhere : disk.path);
    const stateDirectory = join(what === "store" ? elsewhere : disk.path, "state");
    const first = await runCollector(rootDirectory, ["--dry-run"], { stateDirectory });
    expect(first.exitCode, first.stderr).toBe(0);
    fillDisk(disk.path, scarce);

    const end = await runCollector(rootDirectory, [], { stateDirectory });

    expectCollected(prepared, rootDirectory, end);
    const told = `${JSON.parse(end.stdout).warnings.join("\n")}\n${end.stderr}`;
    if (what.includes("store")) expect(told).toContain("lock");
    if (what.includes("state")) expect(told).toMatch(/journal|state/);
  });
});

describe("garbage-collect where the folder of all repositories is not mounted", () => {
  it.each(["empty", "missing"])("refuses with exit code 12 and removes nothing: %s", async (kind) => {
    const rootDirectory = await copyTree();
    const blobs = blobsOf(rootDirectory);
    rmSync(join(rootDirectory, REPOSITORIES), { recursive: true });
    if (kind === "empty") mkdirSync(join(rootDirectory, REPOSITORIES));

    const refused = await runCollector(rootDirectory);
    expect(refused.exitCode, refused.stderr).toBe(12);
    expect(refused.stderr).toContain("--allow-empty");
    expect(blobsOf(rootDirectory)).toEqual(blobs);
    const dryRun = await runCollector(rootDirectory, ["--dry-run"]);
    expect(dryRun.exitCode, dryRun.stderr).toBe(0);
    expect(JSON.parse(dryRun.stdout).warnings.join()).toContain("a real run would refuse");
    expect(blobsOf(rootDirectory)).toEqual(blobs);

    const allowed = await runCollector(rootDirectory, ["--allow-empty"]);
    expect(allowed.exitCode, allowed.stderr).toBe(0);
    expect(blobsOf(rootDirectory)).toEqual([]);
  });

  it("refuses where not one tag is left, and removes nothing", async () => {
    const rootDirectory = await copyTree();
    await execa("find", [
      join(rootDirectory, REPOSITORIES),
      "-name",
      "tags",
      "-exec",
      "rm",
      "-rf",
      "{}",
      "+",
    ]);
    const before = listStore(rootDirectory);
    const refused = await runCollector(rootDirectory);
    expect(refused.exitCode, refused.stderr).toBe(12);
    expect(listStore(rootDirectory)).toEqual(before);
  });

  it("removes no blob where it is a link to a disk that is not there; where that is, it collects", async () => {
    const rootDirectory = await copyTree();
    const folder = join(rootDirectory, REPOSITORIES);
    const disk = `${rootDirectory}.disk`;
    renameSync(folder, disk);
    onTestFinished(() => rmSync(disk, { recursive: true, force: true }));
    symlinkSync(disk, folder);
    renameSync(disk, `${disk}-unmounted`);

    const unmounted = await runCollector(rootDirectory);
    expect(unmounted.exitCode, unmounted.stderr).toBe(3);
    expect(blobsOf(rootDirectory)).toHaveLength(blobsOf(prepared.tree.rootDirectory).length);

    renameSync(`${disk}-unmounted`, disk);
    const mounted = await runCollector(rootDirectory);
    expect(mounted.exitCode, mounted.stderr).toBe(0);
    expect(blobsOf(rootDirectory)).toEqual([...prepared.after.files].filter(isBlob).sort());
    const links = [...prepared.after.files].filter((path) => path.startsWith(`/${REPOSITORIES}/`));
    const left = [...listStore(disk).files].map((path) => `/${REPOSITORIES}${path}`);
    expect(difference(new Set(left), new Set(links))).toEqual([]);
    await expectSound(rootDirectory);
  });
});

describeWithFaults(`garbage-collect on a bad disk, REGISTRY_CTL_FAULT_SEED=${SEED}`, () => {
  it.each([
    { calls: "getdents64", runs: 14 },
    { calls: "openat", runs: 10 },
    { calls: "statx", runs: 8 },
    { calls: "pread64", runs: 10 },
    { calls: "read", runs: 4 },
  ])(
    "removes no blob where a folder cannot be listed, and nothing that may be needed: $calls fail",
    { timeout: 120_000 },
    async ({ calls, runs }) => {
      const random = new SeededRandom(SEED);
      const traced = await traceCalls(await copyTree(), calls);
      const numbers = [...new Set(traced.map(({ number }) => number))];
      let hits = 0;
      for (let run = 0; run < runs && numbers.length > 0; run++) {
        const rootDirectory = await copyTree();
        const end = await runWithFault(rootDirectory, { calls, when: String(random.pick(numbers)) });
        const hit = end.hit.filter((path) => path.startsWith(`${rootDirectory}/docker/registry/v2`));
        // What fails while the program's own files are read may end it in any way.
        const isOfRun = end.hit.every((path) => path.startsWith(rootDirectory));
        const names = expectNothingLost(prepared, rootDirectory, isOfRun ? end : undefined);
        // A folder that could not be listed by a thread is listed once more with care, and that may succeed.
        if (isOfRun && end.exitCode !== 0 && hit.some((path) => isRootsFolder(rootDirectory, path))) {
          expect(end.exitCode, `${hit.join()}: ${end.stderr}`).toBe(3);
          expect([...names.files].filter(isBlob)).toHaveLength(
            [...prepared.before.files].filter(isBlob).length,
          );
        } else if (isOfRun && hit.length > 0)
          expect([0, 3, 11], `${hit.join()}: ${end.stderr}`).toContain(end.exitCode);
        if (hit.length > 0) hits++;
        await expectSound(rootDirectory);
        await expectNextRunFinishes(prepared, rootDirectory);
      }
      // Threads call in another order each time: of other calls than this one, few are on the store.
      if (calls === "getdents64") expect(hits).toBeGreaterThan(0);
    },
  );

  it("keeps what a file refers to that could not be removed, and the next run finishes", {
    timeout: 120_000,
  }, async () => {
    const random = new SeededRandom(SEED);
    const traced = (await traceCalls(await copyTree(), "unlink")).filter(({ path }) => path.includes("/v2/"));
    let hits = 0;
    for (const when of ["1+", "3+", ...Array.from({ length: 6 }, () => `${random.pick(traced).number}+7`)]) {
      const rootDirectory = await copyTree();
      const end = await runWithFault(rootDirectory, { calls: "unlink", when });
      const names = expectNothingLost(prepared, rootDirectory, end);
      const hit = end.hit.filter((path) => path.includes("/v2/"));
      hits += hit.length;
      // The lock, and the probe for the time of the store, come first: where their temporary files stay, nothing is begun.
      const isStoppedFirst = end.hit.some((path) => /\/\.registry-ctl-[^/]*\.tmp$/.test(path));
      expect(end.exitCode, `${when}: ${end.stderr}`).toBe(isStoppedFirst ? 11 : hit.length > 0 ? 3 : 0);
      for (const path of hit) expect(names.files, path).toContain(path.slice(rootDirectory.length));
      if (isStoppedFirst) expectUntouched(prepared, rootDirectory);
      await expectSound(rootDirectory);
      await expectNextRunFinishes(prepared, rootDirectory);
    }
    expect(hits).toBeGreaterThan(0);
  });

  it("frees everything where no folder can be removed, and tells which repositories stay in the catalog", async () => {
    const rootDirectory = await copyTree();
    const end = await runWithFault(rootDirectory, { calls: "rmdir", when: "1+" });
    expect(end.exitCode, end.stderr).toBe(3);
    const failed: { path: string }[] = JSON.parse(end.stdout).failed;
    expect(failed.map(({ path }) => path).sort()).toEqual(emptiedRepositories());
    expect(difference(listStore(rootDirectory).files, prepared.after.files)).toEqual([]);
    await expectSound(rootDirectory);
    const next = await runCollector(rootDirectory);
    expect(next.exitCode, next.stderr).toBe(0);
    // The repositories have left the catalog; folders of single links and blobs may stay, with nothing in them.
    const { files, folders } = listStore(rootDirectory);
    expect(difference(files, prepared.after.files)).toEqual([]);
    expect(prepared.emptied.filter((path) => folders.has(path))).toEqual([]);
  });
});

describeAsRoot("garbage-collect without the rights", () => {
  it("removes no blob where a folder may not be listed", async () => {
    const rootDirectory = await copyTreeOfNobody();
    const hidden = join(rootDirectory, REPOSITORIES, firstRepository());
    await execa("chown", ["-R", "0:0", hidden]);
    await execa("chmod", ["700", hidden]);

    const end = await runCollector(rootDirectory);

    expect(end.exitCode, end.stderr).toBe(3);
    const names = expectNothingLost(prepared, rootDirectory, end);
    expect([...names.files].filter(isBlob)).toHaveLength([...prepared.before.files].filter(isBlob).length);
    await execa("chown", ["-R", `${NOBODY}:${NOBODY}`, hidden]);
    await expectNextRunFinishes(prepared, rootDirectory);
  });

  it("keeps what it may not remove, with all that this refers to", async () => {
    const rootDirectory = await copyTreeOfNobody();
    const links = join(rootDirectory, REPOSITORIES, firstRepository(), "_manifests");
    await execa("chown", ["-R", "0:0", links]);

    const end = await runCollector(rootDirectory);

    expect(end.exitCode, end.stderr).toBe(3);
    expectNothingLost(prepared, rootDirectory, end);
    await expectSound(rootDirectory);
    await execa("chown", ["-R", `${NOBODY}:${NOBODY}`, links]);
    await expectNextRunFinishes(prepared, rootDirectory);
  });

  it("changes nothing in a store that it may only read", async ({ skip }) => {
    const setpriv = findProgram("setpriv");
    const become = [setpriv ?? "", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"];
    const canRead = await execa("env", [...become, "test", "-r", REGISTRY_CTL_PATH], { reject: false });
    if (canRead.exitCode !== 0) skip("another user cannot read the program here");
    const folder = await folderInMemory();
    await execa("chmod", ["755", folder]);
    const rootDirectory = await copyTreeTo(folder);

    const end = await runCollector(rootDirectory, [], { through: become });

    expect(end.exitCode, end.stderr).toBe(11);
    expectUntouched(prepared, rootDirectory);
  });
});

async function copyTreeOfNobody(): Promise<string> {
  const folder = await folderInMemory();
  await execa("chmod", ["777", folder]);
  const rootDirectory = await copyTreeTo(folder);
  await execa("chown", ["-R", `${NOBODY}:${NOBODY}`, rootDirectory]);
  return rootDirectory;
}

/** One with manifests that go. */
function firstRepository(): string {
  const [path = ""] = prepared.going.get("manifests") ?? [];
  return path.slice("/docker/registry/v2/repositories/".length, path.indexOf("/_"));
}

/** Folders of the repositories that a collection leaves no manifest and no tag in. */
function emptiedRepositories(): string[] {
  const gone = [...prepared.before.folders].filter((path) => !prepared.after.folders.has(path));
  const inside = gone.filter((path) => /\/(_manifests|_layers)$/.test(path));
  return [...new Set(inside.map((path) => path.slice(0, path.lastIndexOf("/"))))].sort();
}

function blobsOf(rootDirectory: string): string[] {
  return [...listStore(rootDirectory).files].filter(isBlob).sort();
}

function isBlob(path: string): boolean {
  return path.startsWith("/docker/registry/v2/blobs/");
}

/** A folder below `repositories`, so that there may be roots in it. */
function isRootsFolder(rootDirectory: string, path: string): boolean {
  const name = path.slice(rootDirectory.length);
  return name.startsWith(`/${REPOSITORIES}`) && prepared.before.folders.has(name);
}
