import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CLEANUP_FILE, CleanupMemory, CleanupRunningError } from "../../../src/state/cleanup-memory.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const RUN = { ranAtMs: Date.parse("2026-03-01T00:00:00Z"), isUnfinished: false };

function runner(pid: number, living: readonly number[] = [], more: object = {}) {
  return {
    ...{ host: "here", bootId: "boot", pidNamespace: "ns", pid },
    isAlive: (other: number) => living.includes(other),
    startOf: (other: number) => `start of ${other}`,
    ...more,
  };
}

const DAY_MS = 86_400_000;

function open(folder: string | undefined, problems: string[] = [], nowMs = RUN.ranAtMs): CleanupMemory {
  return new CleanupMemory({ folder, onProblem: (problem) => problems.push(problem), nowMs: () => nowMs });
}

it("remembers projects and places in lists from one run to the next, for its owner alone", async () => {
  const folder = await temporaryFolder();
  const first = open(folder);
  await first.claim(runner(1));
  first.setProject("a/b", RUN);
  first.setProject("c", { ...RUN, isUnfinished: true });
  first.setContinuing("a/b", "v1");
  first.setContinuing("gone", "v1");
  first.setContinuing("gone", undefined);
  first.release();
  const second = open(folder);
  expect(second.lastRunOf("a/b")).toEqual(RUN);
  expect(second.lastRunOf("c")).toEqual({ ...RUN, isUnfinished: true });
  expect(second.lastRunOf("d")).toBeUndefined();
  expect(second.continueAfter("a/b")).toBe("v1");
  expect(second.continueAfter("gone")).toBeUndefined();
  expect(statSync(join(folder, CLEANUP_FILE)).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual([CLEANUP_FILE]);
});

it("writes down at once what was done a while after the last time", async () => {
  const folder = await temporaryFolder();
  let nowMs = RUN.ranAtMs;
  const memory = new CleanupMemory({
    folder,
    onProblem: (problem) => expect.fail(problem),
    nowMs: () => nowMs,
  });
  await memory.claim(runner(1));
  memory.setProject("a", RUN);
  expect(open(folder).lastRunOf("a")).toBeUndefined();
  nowMs += 1000;
  memory.setProject("b", RUN);
  expect(open(folder).lastRunOf("a")).toEqual(RUN);
});

describe("a claim", () => {
  it("keeps a second run out until the first is over", async () => {
    const folder = await temporaryFolder();
    const first = open(folder);
    await first.claim(runner(1));
    await expect(open(folder).claim(runner(2, [1]))).rejects.toBeInstanceOf(CleanupRunningError);
    first.release();
    await open(folder).claim(runner(2, [1]));
  });

  it.each([
    ["has died", runner(2)],
    ["was of another start of the machine", runner(2, [1], { bootId: "other" })],
    ["was of another machine", runner(2, [1], { host: "there" })],
    ["was another process of the same number", runner(2, [1], { startOf: () => "later" })],
  ])("does not count if its process %s", async (_how, second) => {
    const folder = await temporaryFolder();
    await open(folder).claim(runner(1));
    await open(folder).claim(second);
  });

  it("reads what the run before has written meanwhile", async () => {
    const folder = await temporaryFolder();
    const early = open(folder);
    const first = open(folder);
    await first.claim(runner(1));
    first.setProject("a", RUN);
    first.release();
    await early.claim(runner(2));
    expect(early.lastRunOf("a")).toEqual(RUN);
  });
});

describe("a file that is no good", () => {
  it.each(["", "{", "[]", '{"schemaVersion":2}'])(
    "%j counts as none, is told, and is replaced",
    async (text) => {
      const folder = await temporaryFolder();
      writeFileSync(join(folder, CLEANUP_FILE), text);
      const problems: string[] = [];
      const memory = open(folder, problems);
      expect(problems).toHaveLength(1);
      await memory.claim(runner(1));
      memory.setProject("a", RUN);
      memory.release();
      expect(open(folder).lastRunOf("a")).toEqual(RUN);
    },
  );

  it("loses only what is not understood of it", async () => {
    const folder = await temporaryFolder();
    const projects = { a: { ranAt: "2026-03-01T00:00:00Z" }, b: { ranAt: "never" }, c: 1 };
    writeFileSync(
      join(folder, CLEANUP_FILE),
      JSON.stringify({
        schemaVersion: 1,
        projects,
        continueAfter: { a: { name: "x", at: "2026-03-01T00:00:00Z" }, b: 2, c: { name: "x" } },
        run: { pid: "1" },
      }),
    );
    const memory = open(folder);
    expect([memory.lastRunOf("a"), memory.lastRunOf("b"), memory.lastRunOf("c")]).toEqual([
      RUN,
      undefined,
      undefined,
    ]);
    expect(["a", "b", "c"].map((name) => memory.continueAfter(name))).toEqual(["x", undefined, undefined]);
    await memory.claim(runner(1));
  });
});

it("forgets what nobody has come back to for a year, and nothing sooner", async () => {
  const folder = await temporaryFolder();
  const first = open(folder);
  await first.claim(runner(1));
  first.setProject("gone", { ...RUN, isUnfinished: true });
  first.setContinuing("gone/app", "v1");
  first.setProject("ahead", { ...RUN, ranAtMs: RUN.ranAtMs + 900 * DAY_MS });
  first.release();
  const files: string[] = [];
  for (const days of [364, 367]) {
    const later = open(folder, [], RUN.ranAtMs + days * DAY_MS);
    await later.claim(runner(1));
    later.setProject(`after ${days}`, { ...RUN, ranAtMs: RUN.ranAtMs + days * DAY_MS });
    later.release();
    files.push(readFileSync(join(folder, CLEANUP_FILE), "utf8"));
  }
  expect(files[0]).toMatch(/"gone":.*"gone\/app":/);
  expect(files[1]).not.toMatch(/gone|ahead/);
  expect(files[1]).toContain("after 364");
});

it("needs no folder", async () => {
  const memory = open(undefined);
  await memory.claim(runner(1));
  memory.setProject("a", RUN);
  memory.release();
  expect(memory.lastRunOf("a")).toEqual(RUN);
});

it("tells of a folder that is not there, and goes on", async () => {
  const folder = join(await temporaryFolder(), "none");
  const problems: string[] = [];
  const memory = open(folder, problems);
  await memory.claim(runner(1));
  memory.setProject("a", RUN);
  memory.release();
  expect(problems.join()).toContain("cannot be written");
  expect(() => readFileSync(folder)).toThrow();
});
