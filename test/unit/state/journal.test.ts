import { execFileSync } from "node:child_process";
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GarbageJournal } from "../../../src/state/journal.ts";
import { listJournals } from "../../../src/state/journal-folder.ts";
import { isEnded, markFinished, readJournal } from "../../../src/state/read-journal.ts";
import { TEST_HOLDER } from "../../support/collect.ts";
import { mountSmallDisk } from "../../support/small-disk.ts";

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "registry-ctl-journal-")), "garbage-collect");
});

afterEach(() => rm(join(folder, ".."), { recursive: true }));

function begin(startedAt = "2026-01-02T03:04:05.678Z", at = folder): GarbageJournal {
  const journal = new GarbageJournal({ folder: at, version: "1.2.3" });
  journal.start({ startedAt, holder: TEST_HOLDER, options: { deleteUntagged: true } });
  return journal;
}

function pathOf(journal: GarbageJournal): string {
  if (journal.path === undefined) throw new Error(`there is no journal: ${journal.problem}`);
  return journal.path;
}

describe("the journal of a collection", () => {
  it("is named by its time and process, for its owner alone", async () => {
    const journal = begin();
    expect(journal.path).toBe(join(folder, "2026-01-02T03:04:05.678Z-4711.journal"));
    expect((await stat(pathOf(journal))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(journal.problem).toBeUndefined();
    journal.end("done");
  });

  it("names a batch as soon as it begins, before it is told that it is done", async () => {
    const journal = begin();
    journal.beginBatch({ batch: 1, phase: "manifests", paths: ["/a", "/b"] });
    const lines = (await readFile(pathOf(journal), "utf8")).split("\n");
    expect(lines.at(1)).toBe('{"batch":1,"phase":"manifests","paths":["/a","/b"]}');
    journal.end("failed");
  });

  it("tells which batches were done, in whatever order they ended", async () => {
    const journal = begin();
    for (const batch of [1, 2, 3]) journal.beginBatch({ batch, phase: "blobs", paths: [`/${batch}`] });
    journal.endBatch(3, { deleted: 1, failed: 0 });
    journal.endBatch(1, { deleted: 0, failed: 1 });

    expect(await readJournal(pathOf(journal))).toEqual({
      header: {
        version: "1.2.3",
        command: "garbage-collect",
        options: { deleteUntagged: true },
        host: "test-host",
        bootId: "boot-1",
        pidNamespace: "pid:[1]",
        pid: 4711,
        startedAt: "2026-01-02T03:04:05.678Z",
      },
      end: undefined,
      lastPhase: "blobs",
      unfinished: [{ batch: 2, phase: "blobs", paths: ["/2"] }],
    });
    journal.end("failed");
  });

  it("is ended by any end but a kill and a failure, and by the run that finishes it", () => {
    const ended = begin();
    expect(isEnded(pathOf(ended))).toBe(false);
    ended.end("stopped");
    expect(isEnded(pathOf(ended))).toBe(true);

    const failed = begin("2026-01-02T03:04:05.999Z");
    failed.end("failed");
    expect(isEnded(pathOf(failed))).toBe(false);

    const killed = begin("2026-01-02T03:04:06.000Z");
    killed.beginBatch({ batch: 1, phase: "blobs", paths: Array.from({ length: 1000 }, (_, at) => `/${at}`) });
    expect(isEnded(pathOf(killed))).toBe(false);
    markFinished(pathOf(killed), "2026-01-03T00:00:00.000Z");
    expect(isEnded(pathOf(killed))).toBe(true);
    killed.end("failed");
  });

  it("keeps those of ten runs", async () => {
    for (let day = 10; day < 25; day++) begin(`2026-01-${day}T00:00:00.000Z`).end("done");
    const days = (await readdir(folder)).sort().map((name) => name.slice(8, 10));
    expect(days).toEqual(["15", "16", "17", "18", "19", "20", "21", "22", "23", "24"]);
  });

  it("keeps the last of earlier runs however large it is, and none beyond 256 MiB", async () => {
    for (const day of [10, 11, 12]) begin(`2026-01-${day}T00:00:00.000Z`).end("done");
    for (const path of listJournals(folder)) await truncate(path, 200 * 1024 * 1024);
    begin("2026-01-13T00:00:00.000Z").end("done");
    const days = (await readdir(folder)).sort().map((name) => name.slice(8, 10));
    expect(days).toEqual(["12", "13"]);
  });
});

describe("a damaged journal", () => {
  it.each([
    ["torn in a batch", '{"batch":2,"phase":"blobs","paths":["/2'],
    ["torn in the end of a batch", '{"done":1,"dele'],
    ["with zeros at the end", "\0\0\0\0"],
    ["with lines that are no journal's", 'null\n7\n"end"\n{"batch":"x","phase":1,"paths":2}\n'],
  ])("%s counts as that of a killed run, whose whole lines are believed", async (_, damage) => {
    const journal = begin();
    journal.beginBatch({ batch: 1, phase: "layer links", paths: ["/1"] });
    await appendFile(pathOf(journal), damage);

    expect(isEnded(pathOf(journal))).toBe(false);
    expect((await readJournal(pathOf(journal))).unfinished).toEqual([
      { batch: 1, phase: "layer links", paths: ["/1"] },
    ]);
    markFinished(pathOf(journal), "later");
    expect(isEnded(pathOf(journal))).toBe(true);
    expect((await readJournal(pathOf(journal))).end).toBe("finished by a later run");
    journal.end("failed");
  });

  it("without a first line has no header, and its batches", async () => {
    await mkdir(folder, { recursive: true });
    const path = join(folder, "2026.journal");
    await writeFile(path, '{"journal":{"pid":"x"}}\n{"batch":1,"phase":"blobs","paths":["/1",2]}\n');
    expect(await readJournal(path)).toMatchObject({
      header: undefined,
      unfinished: [{ batch: 1, phase: "blobs", paths: ["/1"] }],
    });
  });
});

describe("what is no journal", () => {
  it("is not followed or waited for", async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "elsewhere"), '{"end":"done"}\n');
    await symlink(join(folder, "elsewhere"), join(folder, "link.journal"));
    execFileSync("mkfifo", [join(folder, "pipe.journal")]);
    await mkdir(join(folder, "folder.journal"));
    for (const path of listJournals(folder)) {
      expect(() => isEnded(path), path).toThrow();
      await expect(readJournal(path), path).rejects.toThrow();
    }
  });

  it("of one line that fits into no memory is passed over", async () => {
    const journal = begin();
    journal.beginBatch({ batch: 1, phase: "blobs", paths: ["/1"] });
    await truncate(pathOf(journal), 540 * 1024 * 1024);
    await appendFile(pathOf(journal), '\n{"batch":2,"phase":"blobs","paths":["/2"]}');
    const { unfinished } = await readJournal(pathOf(journal));
    expect(unfinished.map(({ batch }) => batch)).toEqual([1, 2]);
    journal.end("done");
  });
});

describe("a journal that cannot be written", () => {
  it("says why, and lets everything go on", async () => {
    await writeFile(folder, "a file in the place of the folder");
    const journal = begin();
    journal.beginBatch({ batch: 1, phase: "blobs", paths: ["/1"] });
    journal.endBatch(1, { deleted: 1, failed: 0 });
    journal.end("done");
    expect(journal.path).toBeUndefined();
    expect(journal.problem).toContain("EEXIST");
    expect(await readFile(folder, "utf8")).toBe("a file in the place of the folder");
  });

  const disk = mountSmallDisk("size=64k");
  it.skipIf(disk === undefined)("for want of room is ended all the same once there is room", async () => {
    if (!disk) return;
    try {
      const journal = begin(undefined, disk.path);
      const paths = Array.from({ length: 1000 }, (_, at) => `/docker/registry/v2/blobs/sha256/${at}/data`);
      for (let batch = 1; batch <= 10; batch++) journal.beginBatch({ batch, phase: "blobs", paths });
      expect(journal.problem).toContain("ENOSPC");
      await truncate(pathOf(journal), 40_000);
      journal.endBatch(1, { deleted: 1000, failed: 0 });
      journal.end("done");
      expect(isEnded(pathOf(journal))).toBe(true);
    } finally {
      disk.unmount();
    }
  });
});

it("lists no journals where there is no folder", () => {
  expect(listJournals(folder)).toEqual([]);
});
