import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileSliceRecords, NoSliceRecords } from "../../../src/state/slice-records.ts";

const NOW = 1_700_000_000_000;
const LATER = NOW + 1_500_000;

describe("FileSliceRecords", () => {
  let parent: string;
  let folder: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "registry-ctl-slices-"));
    folder = join(parent, "slices");
  });

  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  const open = (nowMs = NOW, untilMs = LATER): FileSliceRecords =>
    new FileSliceRecords(folder, nowMs, untilMs);

  it("tells the next server of slices that were under way, which it refuses for the whole time", () => {
    const before = open();
    before.open(1, ["one@x", "y"]);
    before.open(2, ["z"]);
    before.remove(2);
    expect(open(NOW, LATER).undecided(NOW)).toEqual([{ keys: ["one@x", "y"], forMs: LATER - NOW }]);
  });

  it("keeps what is undecided until its time, over any number of servers", () => {
    const before = open();
    before.open(1, ["x", "y"]);
    before.setUndecided(1, ["x"], NOW + 1000);
    expect(before.undecided(NOW)).toEqual([{ keys: ["x"], forMs: 1000 }]);
    open();
    expect(open().undecided(NOW)).toEqual([{ keys: ["x", "y"], forMs: 1000 }]);
    expect(open().undecided(NOW + 1000)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("tells the next server what may still be written, until its time", () => {
    const before = open();
    before.refuse(1, { keys: ["app:v1", "app@x"], content: "x" }, NOW + 1000);
    const told = [{ keys: ["app:v1", "app@x"], content: "x", forMs: 1000 }];
    expect(before.undecided(NOW)).toEqual(told);
    open();
    expect(open().undecided(NOW)).toEqual(told);
    expect(open().undecided(NOW + 1000)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("does not refuse for ever because a clock was wrong once", () => {
    const before = open();
    before.open(1, ["x"]);
    before.setUndecided(1, ["x"], NOW + 1e12);
    expect(open().undecided(NOW)).toEqual([{ keys: ["x"], forMs: LATER - NOW }]);
  });

  it("does not take the slices of an earlier server for its own", () => {
    open().open(1, ["x"]);
    const after = open();
    after.open(1, ["y"]);
    after.remove(1);
    expect(open().undecided(NOW)).toEqual([{ keys: ["x"], forMs: LATER - NOW }]);
  });

  it("says so when it cannot remember a slice", () => {
    const records = open();
    rmSync(folder, { recursive: true });
    expect(() => records.open(1, ["x"])).toThrow("ENOENT");
    expect(existsSync(folder)).toBe(false);
  });

  it("refuses what is undecided, and more afterwards, although the disk takes no change", () => {
    const before = open();
    before.open(1, ["x", "y"]);
    before.open(2, ["z"]);
    // As with rights that were taken away, nothing in it can be renamed or removed.
    renameSync(folder, join(parent, "elsewhere"));
    before.setUndecided(1, ["x"], NOW + 1000);
    before.remove(2);
    expect(before.undecided(NOW)).toEqual([{ keys: ["x"], forMs: 1000 }]);
    expect(before.undecided(NOW + 1000)).toEqual([]);
    renameSync(join(parent, "elsewhere"), folder);
    const keys = open()
      .undecided(NOW)
      .map((each) => each.keys);
    expect(keys).toEqual(expect.arrayContaining([["x", "y"], ["z"]]));
  });

  it("leaves nothing of what is decided", () => {
    const records = open();
    records.open(1, ["x"]);
    expect(readdirSync(folder)).toHaveLength(1);
    records.remove(1);
    records.remove(1);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("NoSliceRecords", () => {
  it("remembers what is undecided as long as the process lives", () => {
    const records = new NoSliceRecords();
    records.open();
    records.setUndecided(1, ["x"], NOW + 10);
    expect(records.undecided(NOW)).toEqual([{ keys: ["x"], forMs: 10 }]);
    expect(records.undecided(NOW + 10)).toEqual([]);
  });
});
