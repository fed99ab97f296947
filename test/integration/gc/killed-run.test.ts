import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GarbageReport } from "../../../src/operations/gc/garbage-report.ts";
import { LOCKFILES_ROOT, layerFolderPath, layerLinkPath, tagPath } from "../../../src/registry/paths.ts";
import { GarbageJournal, type JournalBatch } from "../../../src/state/journal.ts";
import { listJournals } from "../../../src/state/journal-folder.ts";
import { isEnded } from "../../../src/state/read-journal.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { collect, TEST_HOLDER } from "../../support/collect.ts";
import { type MortalFs, mortalFs } from "../../support/mortal-fs.ts";
import { buildRandomTree, pushSteps } from "../../support/random-tree.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const DEAD = { ...TEST_HOLDER, isAlive: () => false };
const STORE = "docker/registry/v2";
let root: string;
let store: string;
let journals: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "registry-ctl-gc-"));
  store = join(root, "store");
  journals = join(root, "journals");
  await mkdir(store);
});

afterEach(() => rm(root, { recursive: true }));

/** Writes nothing any more once its process is dead. */
class MortalJournal extends GarbageJournal {
  readonly #mortal: MortalFs;

  constructor(folder: string, mortal: MortalFs) {
    super({ folder, version: "1.2.3" });
    this.#mortal = mortal;
  }

  override beginBatch(batch: JournalBatch): void {
    if (!this.#mortal.isDead()) super.beginBatch(batch);
  }

  override endBatch(batch: number, result: { deleted: number; failed: number }): void {
    if (!this.#mortal.isDead()) super.endBatch(batch, result);
  }

  override end(result: "done" | "stopped" | "failed"): void {
    if (!this.#mortal.isDead()) super.end(result);
  }
}

/** All files and folders below a store, folders with a `/` at the end. */
async function namesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, STORE), { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name) + (entry.isDirectory() ? "/" : ""));
  return paths.map((path) => path.slice(folder.length)).sort();
}

/** Collects, and dies after some removals. @returns whether it died */
async function die(folder: string, removals: number, deleteUntagged: boolean, at = journals) {
  const mortal = mortalFs();
  const driver = new FilesystemDriver({ rootDirectory: folder, fs: mortal.fs });
  const onPlan = async (): Promise<void> => {
    mortal.removalsLeft = removals;
  };
  const journal = new MortalJournal(at, mortal);
  await collect(driver, { deleteUntagged, onPlan }, { holder: DEAD, journal });
  return mortal.isDead();
}

async function collectAgain(folder: string, deleteUntagged = true, at = journals): Promise<GarbageReport> {
  const journal = new GarbageJournal({ folder: at, version: "1.2.3" });
  const driver = new FilesystemDriver({ rootDirectory: folder });
  return collect(driver, { deleteUntagged }, { holder: DEAD, journal });
}

function unfinished(): string[] {
  return listJournals(journals).filter((path) => !isEnded(path));
}

describe("a run after one that was killed", () => {
  it("leaves exactly the files and folders that a run without a kill leaves", async () => {
    let deaths = 0;
    await fc.assert(
      fc.asyncProperty(
        pushSteps,
        fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 2 }),
        fc.boolean(),
        async (steps, kills, all) => {
          const folder = await mkdtemp(join(root, "run-"));
          const [killed, whole, at] = [join(folder, "a"), join(folder, "b"), join(folder, "journals")];
          await mkdir(killed);
          await buildRandomTree(new RegistryTree(new FilesystemDriver({ rootDirectory: killed })), steps);
          await cp(killed, whole, { recursive: true });
          await collect(new FilesystemDriver({ rootDirectory: whole }), { deleteUntagged: !all });

          for (const removals of kills) if (await die(killed, removals, !all, at)) deaths++;
          await collectAgain(killed, !all, at);

          expect(await namesBelow(killed)).toEqual(await namesBelow(whole));
          expect(listJournals(at).filter((path) => !isEnded(path))).toEqual([]);
        },
      ),
      { numRuns: 20 },
    );
    expect(deaths).toBeGreaterThan(0);
  });

  it("does so wherever the kill was, between a file and its folder or between two folders", async () => {
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: store }));
    await tree.repository("app").image("kept", [], { tag: "v1" });
    await tree.repository("team/app").image("kept", [], { tag: "v1" });
    const untagged = tree.repository("team/app");
    await untagged.image("dead", ["layer"], { tag: "v2" });
    await untagged.untag("v2");
    await tree.repository("group/deep/gone").image("old", []);
    await collectAgain(store, false);
    await rm(journals, { recursive: true, force: true });
    const whole = join(root, "whole");
    await cp(store, whole, { recursive: true });
    await collect(new FilesystemDriver({ rootDirectory: whole }), { deleteUntagged: true });
    const expected = await namesBelow(whole);

    let removals = 1;
    for (; ; removals++) {
      const copy = join(root, `copy-${removals}`);
      await cp(store, copy, { recursive: true });
      const at = join(root, `journals-${removals}`);
      if (!(await die(copy, removals, true, at))) break;
      await collectAgain(copy, true, at);
      expect(await namesBelow(copy), `killed after ${removals} removals`).toEqual(expected);
    }
    expect(removals).toBeGreaterThan(25);
  });

  it("says which run it finishes, once", async () => {
    const app = new RegistryTree(new FilesystemDriver({ rootDirectory: store })).repository("app");
    await app.image("kept", [], { tag: "v1" });
    await app.image("dead", ["layer"]);
    expect(await die(store, 1, true)).toBe(true);
    const [killed = ""] = unfinished();
    const startedAt = /([^/]*Z)-4711\.journal$/.exec(killed)?.[1];

    const warnings = [`the run of ${startedAt} was killed while it removed manifests; this run finishes it`];
    expect((await collectAgain(store)).warnings).toEqual(warnings);
    expect((await collectAgain(store)).warnings).toEqual([]);
  });

  it("does nothing about it in a dry run", async () => {
    const app = new RegistryTree(new FilesystemDriver({ rootDirectory: store })).repository("app");
    await app.image("kept", [], { tag: "v1" });
    await app.image("dead", ["layer"]);
    await die(store, 1, true);
    const before = await namesBelow(store);
    const journal = new GarbageJournal({ folder: journals, version: "1.2.3" });
    await collect(new FilesystemDriver({ rootDirectory: store }), { dryRun: true }, { journal });
    expect(await namesBelow(store)).toEqual(before);
    expect(unfinished()).toHaveLength(1);
  });

  it("does not take it for finished while the store is not mounted", async () => {
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: store }));
    const app = tree.repository("app");
    await app.image("kept", [], { tag: "v1" });
    await app.image("dead", [], { tag: "v2" });
    await app.image("kept", [], { tag: "v2" });
    // The first removal is that of the link, so that its folder is left.
    await die(store, 1, true);
    await rename(join(store, STORE, "repositories"), join(root, "elsewhere"));
    await expect(collectAgain(store)).rejects.toThrow("no repository");
    expect(unfinished()).toHaveLength(1);

    await rename(join(root, "elsewhere"), join(store, STORE, "repositories"));
    await collectAgain(store);
    expect(unfinished()).toEqual([]);
    const history = await readdir(join(store, `${tagPath("app", "v2")}/index/sha256`));
    expect(history).toHaveLength(1);
  });

  it("believes nothing of a journal but the paths of a sweep", async () => {
    const driver = new FilesystemDriver({ rootDirectory: store });
    await new RegistryTree(driver).repository("app").image("kept", [], { tag: "v1" });
    const outside = ["outside/a/b/c", "outside/_manifests", "store/docker/registry/other"];
    for (const path of outside) await mkdir(join(root, path), { recursive: true });
    const repositories = `/${STORE}/repositories`;
    const emptied = join(store, `${repositories}/gone/_layers/sha256/${"0".repeat(64)}`);
    await mkdir(emptied, { recursive: true });
    await mkdir(journals);
    const batches = [
      {
        phase: "empty repositories",
        paths: [`${repositories}/../../../../../outside`, "/../outside", repositories],
      },
      {
        phase: "tag history",
        paths: ["/../outside/a/b/c/link", `${repositories}/link`, `/${STORE}/blobs/link`],
      },
      { phase: "\u001b[31mlaunch", paths: ["/"] },
      { phase: "layer links", paths: ["relative", "/docker/registry/other/link", "", "/link", `/\0/link`] },
      { phase: "layer links", paths: [`${emptied.slice(store.length)}/link`] },
    ];
    const lines = batches.map((batch, at) => `${JSON.stringify({ batch: at, ...batch })}\n`);
    await writeFile(join(journals, "2026-01-01T00:00:00.000Z-1.journal"), lines.join(""));

    const { warnings } = await collectAgain(store);

    expect(warnings).toEqual([
      "an earlier run was killed while it removed layer links; this run finishes it",
    ]);
    for (const path of outside) expect(existsSync(join(root, path)), path).toBe(true);
    expect(existsSync(emptied)).toBe(false);
    expect(unfinished()).toEqual([]);
  });

  it("leaves the journal of a run alone that goes on without a lock", async () => {
    const driver = new FilesystemDriver({ rootDirectory: store });
    const app = new RegistryTree(driver).repository("app");
    await app.image("kept", [], { tag: "v1" });
    await app.image("dead", ["layer"]);
    await die(store, 1, true);
    const lockless = Object.assign(new FilesystemDriver({ rootDirectory: store }), {
      putIfAbsent: undefined,
    });
    const journal = new GarbageJournal({ folder: journals, version: "1.2.3" });
    const report = await collect(lockless, { deleteUntagged: true }, { journal });
    expect(report.warnings).toEqual([expect.stringContaining("no lock was taken")]);
    expect(unfinished()).toHaveLength(1);
  });
});

describe("what a dead writer left", () => {
  const OLD = ".registry-ctl-0123456789abcdef.tmp";

  async function leave(folder: string, ageHours: number): Promise<void> {
    await mkdir(join(store, folder), { recursive: true });
    const path = join(store, folder, OLD);
    await writeFile(path, "half a link");
    const writtenAt = new Date(Date.now() - ageHours * 3_600_000);
    await utimes(path, writtenAt, writtenAt);
  }

  it("keeps no folder from going with its link when that is old enough, and stays when somebody may be writing", async () => {
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: store }));
    const app = tree.repository("app");
    await app.image("kept", [], { tag: "v1" });
    const [old, young] = [await app.layer("old"), await app.layer("young")];
    await leave(layerFolderPath("app", old.digest), 2);
    await leave(layerFolderPath("app", young.digest), 0.5);

    const report = await collectAgain(store);

    expect(report.deleted.layerLinks).toBe(2);
    expect(await tree.has(layerLinkPath("app", young.digest))).toBe(false);
    const isThere = [old, young].map(({ digest }) => existsSync(join(store, layerFolderPath("app", digest))));
    expect(isThere).toEqual([false, true]);
  });

  it("when it was to take the lock goes in a later run", async () => {
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: store }));
    await tree.repository("app").image("kept", [], { tag: "v1" });
    await leave(LOCKFILES_ROOT, 2);
    await collectAgain(store);
    expect(await readdir(join(store, LOCKFILES_ROOT))).toEqual([]);
  });

  it("does not keep an empty repository in the catalog", async () => {
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: store }));
    await tree.repository("app").image("kept", [], { tag: "v1" });
    await tree.repository("gone").image("dead", []);
    await leave(`${dirname(tagPath("gone", "v1"))}/v1/current`, 2);

    await collectAgain(store);

    expect(await readdir(join(store, STORE, "repositories"))).toEqual(["app"]);
  });
});
