import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { DELETIONS_FILE, Deletions, type FailedDeletion } from "../../../src/state/deletions.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const NOBODY = 65534;
const DIGEST = `sha256:${"a".repeat(64)}`;

function failed(name: string, repository = "group/app"): FailedDeletion {
  return { repository, name, digest: DIGEST, attempts: 10, reason: "the disk is busy" };
}

async function open(maxRecords?: number) {
  const folder = await temporaryFolder();
  const problems: string[] = [];
  const again = (): Deletions =>
    new Deletions({
      folder,
      onProblem: (problem) => problems.push(problem),
      nowMs: () => Date.parse("2026-11-22T08:00:00Z"),
      ...(maxRecords === undefined ? {} : { maxRecords }),
    });
  return { folder, file: join(folder, DELETIONS_FILE), problems, deletions: again(), again };
}

describe("Deletions", () => {
  it("knows nothing where nothing has failed, and writes nothing then", async () => {
    const { folder, deletions, problems } = await open();
    expect(deletions.list()).toEqual([]);
    await deletions.forget([{ repository: "group/app", name: "v1" }]);
    await deletions.recordFailed([]);
    expect(await deletions.schedule(() => true)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("remembers what has failed, for its owner alone, and another process reads it", async () => {
    const { file, deletions, again } = await open();
    await deletions.recordFailed([failed("v2"), failed("v1")]);
    const record = { ...failed("v1"), state: "delete_failed", at: "2026-11-22T08:00:00.000Z" };
    expect(again().list()).toEqual([record, { ...record, name: "v2" }]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("tells once what is wrong with the file, however often it is read", async () => {
    const { file, deletions, problems } = await open();
    writeFileSync(file, "{");
    deletions.list();
    expect(deletions.scheduledTags("group/app")).toEqual([]);
    await deletions.forget([{ repository: "group/app", name: "v1" }]);
    expect(problems).toEqual([expect.stringContaining("is damaged")]);
  });

  it("reads the file again only where somebody has written it since", async () => {
    const { file, deletions, again } = await open();
    await again().recordFailed([failed("v1")]);
    const parse = vi.spyOn(JSON, "parse");
    onTestFinished(() => parse.mockRestore());
    for (const name of ["a", "b", "c"]) {
      expect(deletions.scheduledTags(`group/${name}`)).toEqual([]);
      await deletions.forget([{ repository: "group/app", name }]);
    }
    expect(parse).toHaveBeenCalledTimes(1);
    await again().schedule(() => true);
    expect(deletions.scheduledTags("group/app")).toMatchObject([{ name: "v1" }]);
    await deletions.recordFailed([failed("v2")]);
    expect(deletions.list()).toHaveLength(2);
    rmSync(file);
    expect(deletions.list()).toEqual([]);
  });

  it("schedules what is wanted, and forgets what is done", async () => {
    const { deletions, again } = await open();
    await deletions.recordFailed([failed("v1"), failed("v2"), failed("v1", "group/other")]);
    const scheduled = await deletions.schedule(({ repository }) => repository === "group/app");
    expect(scheduled.map(({ name, state }) => [name, state])).toEqual([
      ["v1", "delete_scheduled"],
      ["v2", "delete_scheduled"],
    ]);
    expect(again().scheduledTags("group/app")).toEqual(scheduled);
    expect(again().scheduledTags("group/other")).toEqual([]);
    await again().forget([{ repository: "group/app", name: "v1" }]);
    expect(
      again()
        .scheduledTags("group/app")
        .map(({ name }) => name),
    ).toEqual(["v2"]);
    await again().recordFailed([failed("v2")]);
    expect(again().scheduledTags("group/app")).toEqual([]);
    expect(again().list()).toHaveLength(2);
  });

  it("loses nothing where many change it at the same time", async () => {
    const { again, problems } = await open();
    const names = Array.from({ length: 20 }, (_, index) => `v${index + 10}`);
    await Promise.all(names.map((name) => again().recordFailed([failed(name)])));
    expect(problems).toEqual([]);
    expect(
      again()
        .list()
        .map(({ name }) => name),
    ).toEqual(names);
  });

  it.each([
    ["no JSON", "{", 0],
    ["another document", '{"schemaVersion":7}', 0],
    [
      "a record that is none",
      `{"schemaVersion":1,"deletions":[{"repository":3},${JSON.stringify({ ...failed("old"), state: "delete_failed", at: "2026-11-01T00:00:00Z" })}]}`,
      1,
    ],
  ])("keeps a damaged file aside and says so: %s", async (_, content, kept) => {
    const { folder, file, deletions, problems } = await open();
    writeFileSync(file, content);
    expect(deletions.list()).toHaveLength(kept);
    expect(problems).toEqual([expect.stringContaining("is damaged")]);
    await deletions.recordFailed([failed("v1")]);
    expect(deletions.list()).toHaveLength(kept + 1);
    expect(problems[1]).toContain("it is kept as");
    const aside = readdirSync(folder).find((name) => name.includes("damaged-")) ?? "";
    expect(readFileSync(join(folder, aside), "utf8")).toBe(content);
  });

  it("keeps so many records, the latest", async () => {
    const { deletions, problems } = await open(3);
    await deletions.recordFailed([failed("v1"), failed("v2")]);
    await deletions.recordFailed([failed("v1"), failed("v3"), failed("v4")]);
    expect(deletions.list().map(({ name }) => name)).toEqual(["v1", "v3", "v4"]);
    expect(problems).toEqual([expect.stringContaining("the oldest 1 are forgotten")]);
  });

  it("warns where there is no folder, or it cannot be written", async () => {
    const problems: string[] = [];
    const onProblem = (problem: string) => problems.push(problem);
    await new Deletions({ folder: undefined, onProblem }).recordFailed([failed("v1")]);
    expect(problems).toEqual([expect.stringContaining("there is no state folder")]);
    const folder = join(await temporaryFolder(), "gone");
    const deletions = new Deletions({ folder, onProblem });
    await deletions.recordFailed([failed("v1")]);
    expect(problems[1]).toContain("cannot be written down");
    await expect(deletions.schedule(() => true)).rejects.toMatchObject({ code: "ERR_WRITE" });
  });

  it("writes nothing over what it may not read", async () => {
    const { file, deletions, problems } = await open();
    await deletions.recordFailed([failed("v1")]);
    // The folder is the own one, also for root, who may read any file: it becomes somebody else for a moment.
    chmodSync(file, 0);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) for (const path of [dirname(file), file]) chownSync(path, NOBODY, NOBODY);
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      expect(deletions.list()).toEqual([]);
      await deletions.recordFailed([failed("v2")]);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    expect(problems).toEqual([
      expect.stringContaining("cannot be read"),
      expect.stringContaining("cannot be written down"),
    ]);
    chmodSync(file, 0o600);
    expect(deletions.list().map(({ name }) => name)).toEqual(["v1"]);
  });

  it("takes a folder in its place for damage", async () => {
    const { file, deletions, problems } = await open();
    mkdirSync(file);
    await deletions.recordFailed([failed("v1")]);
    expect(deletions.list()).toHaveLength(1);
    expect(problems).toEqual([expect.stringContaining("it is no file")]);
  });
});
