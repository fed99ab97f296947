import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PlannedStop } from "../../../src/operations/gc/planned-stop.ts";
import { revisionLinkPath } from "../../../src/registry/paths.ts";
import { GarbageJournal } from "../../../src/state/journal.ts";
import { listJournals } from "../../../src/state/journal-folder.ts";
import { readJournal } from "../../../src/state/read-journal.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { type FsOperations, nodeFs } from "../../../src/storage/filesystem/fs-operations.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { mountSmallDisk } from "../../support/small-disk.ts";

/** Many, so that a test sees them take part; from these sources they all run in one thread. */
const THREADS = { read: 2, remove: 8 };
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

const journalIn = (folder: string): GarbageJournal => new GarbageJournal({ folder, version: "1.2.3" });

/** One image that stays; one that goes, with a config and a layer; a repository that leaves the catalog. */
async function buildTree(driver: FilesystemDriver): Promise<RegistryTree> {
  const tree = new RegistryTree(driver);
  await tree.repository("app").image("dead", ["a"], { tag: "v1" });
  await tree.repository("app").image("kept", ["base"], { tag: "v1" });
  await tree.repository("gone").image("old", []);
  return tree;
}

const DELETED = { tagHistoryLinks: 1, manifests: 2, layerLinks: 3, blobs: 5 };

describe("a collection with a journal", () => {
  it("writes down each file before it removes it, and what became of each batch", async () => {
    const unnamed: string[] = [];
    let removed = 0;
    const unlinkSync = (path: string): void => {
      const text = listJournals(journals)
        .map((journal) => readFileSync(journal, "utf8"))
        .join("");
      if (!text.includes(`"${path.slice(store.length)}"`)) unnamed.push(path);
      removed++;
      nodeFs.unlinkSync(path);
    };
    const driver = new FilesystemDriver({ rootDirectory: store, fs: { ...nodeFs, unlinkSync } });
    await buildTree(driver);

    const report = await collect(
      driver,
      { deleteUntagged: true },
      { journal: journalIn(journals), threads: THREADS },
    );

    expect([report.deleted, removed, unnamed]).toMatchObject([DELETED, 11, []]);
    const lines = (await readFile(report.journal ?? "", "utf8")).trimEnd().split("\n");
    expect(lines.slice(1).map((line) => shape(JSON.parse(line)))).toEqual([
      "1 tag history 1",
      "done 1: 1 and 0",
      "2 manifests 2",
      "done 2: 2 and 0",
      "3 layer links 3",
      "done 3: 3 and 0",
      "4 empty repositories 1",
      "done 4: 1 and 0",
      "5 blobs 5",
      "done 5: 5 and 0",
      "end done",
    ]);
  });

  it("begins none when there is nothing to remove", async () => {
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: store }));
    await tree.repository("app").image("kept", ["base"], { tag: "v1" });
    const report = await collect(tree.driver, { deleteUntagged: true }, { journal: journalIn(journals) });
    expect([report.journal, listJournals(journals)]).toEqual([undefined, []]);
  });

  it("ends it when it is stopped", async () => {
    const { driver } = await buildTree(new FilesystemDriver({ rootDirectory: store }));
    const controller = new AbortController();
    const report = await collect(
      driver,
      {
        deleteUntagged: true,
        signal: controller.signal,
        onProgress: ({ step }) => {
          if (step === "sweep") controller.abort(new PlannedStop("stop"));
        },
      },
      { journal: journalIn(journals) },
    );
    expect(report.stopped).toEqual({ kind: "stop", phase: "manifests" });
    expect(await readJournal(report.journal ?? "")).toMatchObject({ end: "stopped", unfinished: [] });
  });

  const disk = mountSmallDisk("size=4k,nr_inodes=3");
  it.skipIf(disk === undefined)("goes on, and says so once, when its disk is full", async () => {
    if (!disk) return;
    try {
      const { driver } = await buildTree(new FilesystemDriver({ rootDirectory: store }));
      const folder = join(disk.path, "a/b/c");
      const report = await collect(driver, { deleteUntagged: true }, { journal: journalIn(folder) });
      expect(report.deleted).toMatchObject(DELETED);
      expect(report.warnings).toEqual([expect.stringMatching(/^the journal cannot be written.*ENOSPC/)]);
    } finally {
      disk.unmount();
    }
  });

  it("goes on when the journals of earlier runs cannot be read", async () => {
    const { driver } = await buildTree(new FilesystemDriver({ rootDirectory: store }));
    await mkdir(join(journals, "2026.journal"), { recursive: true });
    const report = await collect(driver, { deleteUntagged: true }, { journal: journalIn(journals) });
    expect(report.deleted).toMatchObject(DELETED);
    expect(report.warnings).toEqual([
      expect.stringContaining("the journals of earlier runs were not looked at"),
    ]);
  });
});

describe("an index whose link cannot be removed", () => {
  it("keeps what it lists, at any depth, and the run goes on with the rest", async () => {
    let stubborn = "";
    const fs: FsOperations = {
      ...nodeFs,
      unlinkSync: (path) => {
        if (path === stubborn) throw Object.assign(new Error("no"), { code: "EIO" });
        nodeFs.unlinkSync(path);
      },
    };
    const driver = new FilesystemDriver({ rootDirectory: store, fs });
    const tree = new RegistryTree(driver);
    const app = tree.repository("app");
    await app.image("now", [], { tag: "v1" });
    const inner = await app.index([await app.image("1", ["a"]), await app.image("2", ["b"])]);
    const outer = await app.index([inner]);
    const dead = await app.image("of no index", ["c"]);
    stubborn = join(store, revisionLinkPath("app", outer.digest));

    const report = await collect(
      driver,
      { deleteUntagged: true },
      { threads: THREADS, journal: journalIn(journals) },
    );

    expect(report.failed).toEqual([
      { path: revisionLinkPath("app", outer.digest), error: expect.stringContaining("EIO") },
    ]);
    expect(await app.missingFor(outer.digest)).toEqual([]);
    expect(await app.hasRevision(dead.digest)).toBe(false);
    const text = await readFile(report.journal ?? "", "utf8");
    expect(text).toContain('"deleted":1,"failed":1}');
    expect(text).toContain('{"end":"done"}');
  });
});

function shape(line: Record<string, unknown>): string {
  const { batch, phase, paths, done, deleted, failed, end } = line;
  if (end !== undefined) return `end ${end}`;
  if (done !== undefined) return `done ${done}: ${deleted} and ${failed}`;
  return `${batch} ${phase} ${Array.isArray(paths) ? paths.length : "?"}`;
}
