import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRunHistory } from "../../../src/state/run-history.ts";
import { parseRunResult, parseRunStatus, type RunIdentity } from "../../../src/state/run-record.ts";
import { LAST_FILE, RUN_FILE, RUNS_FOLDER, RunRecorder } from "../../../src/state/run-recorder.ts";

let folder: string;
let problems: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-run-"));
  problems = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("RunRecorder", () => {
  it("tells how far a run is, then how it ended", () => {
    const run = recorder(1);
    run.update(PROGRESS, 3, new Date("2026-01-01T00:00:03Z"));
    expect(readRunHistory([folder])).toMatchObject({
      run: { id: "run-1", progress: PROGRESS, seconds: 3, options: { deleteUntagged: true } },
      unread: [],
    });
    run.end(end("done"), true);
    const history = readRunHistory([folder]);
    expect(history.run).toBeUndefined();
    expect(history.last).toMatchObject({ id: "run-1", outcome: "done", deleted: AMOUNTS });
    expect(history.lastSuccess).toEqual(history.last);
    expect(problems).toEqual([]);
  });

  it("keeps the last success when a later run fails", () => {
    recorder(1).end(end("done"), true);
    recorder(2).end({ ...end("failed"), endedAt: "2026-01-02T00:00:00.000Z" }, false);
    const { last, lastSuccess } = readRunHistory([folder]);
    expect([last?.id, lastSuccess?.id]).toEqual(["run-2", "run-1"]);
  });

  it("remembers since when no run has succeeded, until one does", () => {
    const since = (): string | undefined => readRunHistory([folder]).last?.withoutSuccessSince;
    recorder(1).end(end("failed"), false);
    const first = identity(1).startedAt;
    expect(since()).toBe(first);
    const later = { identity: { ...identity(2), startedAt: "2026-01-05T00:00:00.000Z" }, config: undefined };
    new RunRecorder(folder, { ...later, options: {} }, () => {}).end(end("failed"), false);
    expect(since()).toBe(first);
    recorder(3).end(end("done"), true);
    expect(since()).toBeUndefined();
    recorder(4).end(end("failed"), false);
    expect(since()).toBeUndefined();
  });

  it("takes what an earlier run has left for the last result: it was killed", () => {
    recorder(1).update(PROGRESS, 3, new Date("2026-01-01T00:00:03Z"));
    recorder(2).update(PROGRESS, 1, new Date("2026-01-02T00:00:00Z"));
    const { run, last } = readRunHistory([folder]);
    expect(run?.id).toBe("run-2");
    expect(last).toMatchObject({
      id: "run-1",
      outcome: "killed",
      endedAt: "2026-01-01T00:00:03.000Z",
      message: "killed while deleting blobs (5 of 10)",
    });
  });

  it("does not take a run for killed that has left its result, but not removed its file", () => {
    const path = join(folder, RUNS_FOLDER, RUN_FILE);
    const first = recorder(1);
    first.update(PROGRESS, 3, new Date("2026-01-01T00:00:03Z"));
    const left = readFileSync(path);
    first.end(end("done"), true);
    writeFileSync(path, left);
    recorder(2).update(PROGRESS, 1, new Date("2026-01-02T00:00:00Z"));
    expect(readRunHistory([folder]).last).toMatchObject({ id: "run-1", outcome: "done" });
  });

  it("does not take a damaged file for a success", () => {
    mkdirSync(join(folder, RUNS_FOLDER));
    writeFileSync(join(folder, RUNS_FOLDER, "last-success.json"), "{}");
    recorder(1).end(end("failed"), false);
    expect(readRunHistory([folder]).last?.withoutSuccessSince).toBe(identity(1).startedAt);
  });

  it("remembers a success although the last result cannot be replaced", () => {
    mkdirSync(join(folder, RUNS_FOLDER, LAST_FILE), { recursive: true });
    recorder(1).end(end("done"), true);
    expect(readRunHistory([folder]).lastSuccess?.id).toBe("run-1");
  });

  it("leaves the run of somebody else alone if it has never told how far it is", () => {
    recorder(1).update(PROGRESS, 3, new Date("2026-01-01T00:00:03Z"));
    recorder(2).end(end("failed"), false);
    expect(readRunHistory([folder]).run?.id).toBe("run-1");
  });

  it("does not count a run as going on whose result is there", () => {
    const run = recorder(1);
    run.end(end("done"), true);
    run.update(PROGRESS, 3, new Date("2026-01-01T00:00:03Z"));
    expect(readRunHistory([folder]).run).toBeUndefined();
  });

  it("says once, and no more, that it cannot write", () => {
    writeFileSync(join(folder, RUNS_FOLDER), "in the way");
    const run = recorder(1);
    run.update(PROGRESS, 3, new Date());
    run.end(end("done"), true);
    expect(problems).toHaveLength(1);
  });
});

describe("readRunHistory", () => {
  it("takes the newest of several folders", () => {
    const other = join(folder, "other");
    recorder(1).end(end("done"), true);
    const later = { ...end("done"), endedAt: "2026-02-01T00:00:00.000Z" };
    recorder(2, other).end(later, true);
    for (const folders of [
      [folder, other],
      [other, folder],
    ])
      expect(readRunHistory([...folders, join(folder, "missing")]).last?.id).toBe("run-2");
  });

  it("tells nothing of files that it does not understand", () => {
    recorder(1).end(end("done"), true);
    writeFileSync(join(folder, RUNS_FOLDER, LAST_FILE), '{"schemaVersion":2}');
    writeFileSync(join(folder, RUNS_FOLDER, RUN_FILE), "[]");
    const { run, last, lastSuccess, unread } = readRunHistory([folder]);
    expect([run, last]).toEqual([undefined, undefined]);
    expect(unread.map(({ problem }) => problem)).toEqual([
      "garbage-collect/run.json is damaged",
      "garbage-collect/last.json is damaged",
    ]);
    expect(lastSuccess?.id).toBe("run-1");
    expect(existsSync(join(folder, RUNS_FOLDER, LAST_FILE))).toBe(true);
  });
});

describe("parsing of run records", () => {
  it.each([
    ["no object", null],
    ["a process id that would mean many processes", { ...statusJson(), pid: -1 }],
    ["a process id that is no number", { ...statusJson(), pid: "1" }],
    ["a time that is none", { ...statusJson(), updatedAt: "yesterday" }],
    ["no progress", { ...statusJson(), progress: undefined }],
  ])("refuses %s", (_, json) => {
    expect(parseRunStatus(json)).toBeUndefined();
  });

  it("takes what is sound, and leaves out amounts that are not whole", () => {
    expect(parseRunStatus(statusJson())?.pid).toBe(7);
    const result = parseRunResult({
      ...identity(1),
      schemaVersion: 1,
      ...end("done"),
      deleted: { blobs: 1 },
    });
    expect(result?.outcome).toBe("done");
    expect(result?.deleted).toBeUndefined();
    expect(
      parseRunResult({ ...identity(1), schemaVersion: 1, ...end("done"), outcome: "well" }),
    ).toBeUndefined();
  });
});

const AMOUNTS = { blobs: 1, bytes: 2, manifests: 3, layerLinks: 4, tagHistoryLinks: 5 };
const PROGRESS = { phase: "deleting blobs", done: 5, total: 10, totalIsEstimate: false, percent: 50 };

function identity(number: number): RunIdentity {
  return {
    id: `run-${number}`,
    host: "host",
    bootId: "boot",
    pidNamespace: "pid:[1]",
    pid: 7,
    startedAt: "2026-01-01T00:00:00.000Z",
  };
}

function statusJson(): Record<string, unknown> {
  return {
    ...identity(1),
    schemaVersion: 1,
    options: {},
    progress: PROGRESS,
    safeToStop: true,
    seconds: 1,
    updatedAt: "2026-01-01T00:00:01.000Z",
  };
}

function recorder(number: number, stateFolder = folder): RunRecorder {
  const description = { identity: identity(number), config: undefined, options: { deleteUntagged: true } };
  return new RunRecorder(stateFolder, description, (problem) => void problems.push(problem));
}

function end(outcome: "done" | "failed") {
  return {
    outcome,
    exitCode: 0,
    endedAt: "2026-01-01T00:01:00.000Z",
    seconds: 60,
    deleted: AMOUNTS,
  } as const;
}
