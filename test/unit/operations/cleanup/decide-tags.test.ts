import { describe, expect, it } from "vitest";
import { type CleanupCase, decideCase } from "../../../support/cleanup-case.ts";

const ALL = { nameRegexDelete: ".*" };

/** Title, repository with policy, what is deleted. */
const CASES: [string, CleanupCase, string[]][] = [
  ["deletes everything that .* matches", { tags: { a: 1, b: 2 }, policy: ALL }, ["a", "b"]],
  ["has nothing to do without tags", { tags: {}, policy: ALL }, []],
  ["never deletes latest", { tags: { latest: 900, a: 900 }, policy: ALL }, ["a"]],
  [
    "does not keep LATEST, nor latest-1",
    { tags: { LATEST: 9, "latest-1": 9 }, policy: ALL },
    ["LATEST", "latest-1"],
  ],
  [
    "does not count latest among keep_n",
    { tags: { latest: 0, a: 1, b: 2 }, policy: { ...ALL, keepN: 1 } },
    ["b"],
  ],
  ["deletes nothing without name_regex_delete", { tags: { a: 900 }, policy: {} }, []],
  [
    "deletes nothing with an empty name_regex_delete",
    { tags: { a: 900 }, policy: { nameRegexDelete: "" } },
    [],
  ],
  [
    "takes an empty name_regex_keep for none",
    { tags: { a: 1 }, policy: { ...ALL, nameRegexKeep: "" } },
    ["a"],
  ],
  [
    "deletes what matches whole",
    { tags: { v1: 1, v10: 1, xv1: 1 }, policy: { nameRegexDelete: "v1" } },
    ["v1"],
  ],
  ["tells upper from lower case", { tags: { Dev: 1, dev: 1 }, policy: { nameRegexDelete: "dev" } }, ["dev"]],
  [
    "takes flags in the pattern",
    { tags: { Dev: 1, dev: 1 }, policy: { nameRegexDelete: "(?i)dev" } },
    ["Dev", "dev"],
  ],
  [
    "takes a dot for any character",
    { tags: { "a.b": 1, axb: 1 }, policy: { nameRegexDelete: "a.b" } },
    ["a.b", "axb"],
  ],
  [
    "takes an escaped dot for a dot",
    { tags: { "a.b": 1, axb: 1 }, policy: { nameRegexDelete: "a\\.b" } },
    ["a.b"],
  ],
  [
    "binds the first branch to the beginning only, and the last to the end only",
    {
      tags: { main: 1, "main-2": 1, prod: 1, "not-prod": 1, "not-main": 1, "prod-2": 1 },
      policy: { nameRegexDelete: "main|prod" },
    },
    ["main", "main-2", "not-prod", "prod"],
  ],
  [
    "binds a branch in the middle to nothing",
    { tags: { "xb-y": 1, c: 1, cx: 1, ax: 1, xa: 1 }, policy: { nameRegexDelete: "a|b|c" } },
    ["ax", "c", "xb-y"],
  ],
  [
    "binds branches in a group to both ends",
    { tags: { main: 1, "main-2": 1, "not-prod": 1, prod: 1 }, policy: { nameRegexDelete: "(?:main|prod)" } },
    ["main", "prod"],
  ],
  [
    "keeps what name_regex_keep matches although the other matches too",
    { tags: { v1: 900, dev: 900 }, policy: { ...ALL, nameRegexKeep: "v.+" } },
    ["dev"],
  ],
  [
    "needs a whole match to keep",
    { tags: { v1: 1, xv1: 1 }, policy: { ...ALL, nameRegexKeep: "v1" } },
    ["xv1"],
  ],
  [
    "keeps by a branch without a group too",
    { tags: { "main-2": 1, "x-prod": 1, dev: 1 }, policy: { ...ALL, nameRegexKeep: "main|prod" } },
    ["dev"],
  ],
  ["keeps tags without a manifest", { tags: { a: "no manifest", b: 1 }, policy: ALL }, ["b"]],
  [
    "does not count tags without a manifest among keep_n",
    { tags: { a: "no manifest", b: 1, c: 2 }, policy: { ...ALL, keepN: 1 } },
    ["c"],
  ],
  ["keeps the newest keep_n", { tags: { a: 1, b: 2, c: 3 }, policy: { ...ALL, keepN: 2 } }, ["c"]],
  [
    "takes keep_n of what the patterns leave only",
    { tags: { v9: 0, a: 1, b: 2 }, policy: { nameRegexDelete: "[ab]", keepN: 1 } },
    ["b"],
  ],
  [
    "does not count what name_regex_keep keeps among keep_n",
    { tags: { v1: 0, a: 1, b: 2 }, policy: { ...ALL, nameRegexKeep: "v.+", keepN: 1 } },
    ["b"],
  ],
  [
    "keeps everything if keep_n is the number of tags",
    { tags: { a: 1, b: 2 }, policy: { ...ALL, keepN: 2 } },
    [],
  ],
  [
    "keeps everything if keep_n is larger than the list",
    { tags: { a: 1, b: 2 }, policy: { ...ALL, keepN: 100 } },
    [],
  ],
  ["keeps nothing by keep_n 0", { tags: { a: 1, b: 2 }, policy: { ...ALL, keepN: 0 } }, ["a", "b"]],
  ["sorts by date, not by name", { tags: { z: 9, a: 1, m: 5 }, policy: { ...ALL, keepN: 1 } }, ["m", "z"]],
  [
    "takes the later name for the newer of two of the same date",
    { tags: { a: 5, b: 5, c: 5 }, policy: { ...ALL, keepN: 1 } },
    ["a", "b"],
  ],
  [
    "compares tied names by their bytes",
    { tags: { v10: 5, v9: 5, V9: 5 }, policy: { ...ALL, keepN: 1 } },
    ["V9", "v10"],
  ],
  [
    "takes milliseconds for a difference",
    { tags: { b: "2026-03-01T00:00:00.000Z", a: "2026-03-01T00:00:00.001Z" }, policy: { ...ALL, keepN: 1 } },
    ["b"],
  ],
  [
    "takes a tag without a date, as an index is, for the newest",
    { tags: { index: "none", a: 0.5 }, policy: { ...ALL, keepN: 1 } },
    ["a"],
  ],
  [
    "lets tags without a date push others out of keep_n",
    { tags: { i1: "none", i2: "none", a: 1, b: 2 }, policy: { ...ALL, keepN: 3 } },
    ["b"],
  ],
  [
    "deletes tags without a date beyond keep_n where age does not matter",
    { tags: { i1: "none", i2: "none" }, policy: { ...ALL, keepN: 1 } },
    ["i1"],
  ],
  [
    "never takes a tag without a date for older",
    { tags: { i: "none", a: 400 }, policy: { ...ALL, olderThan: "7d" } },
    ["a"],
  ],
  [
    "takes what is dated in the future for newer than what has no date",
    { tags: { i: "none", future: -3 }, policy: { ...ALL, keepN: 1 } },
    ["i"],
  ],
  [
    "keeps what is younger than older_than",
    { tags: { a: 6, b: 8 }, policy: { ...ALL, olderThan: "7d" } },
    ["b"],
  ],
  ["keeps what is exactly as old as older_than", { tags: { a: 7 }, policy: { ...ALL, olderThan: "7d" } }, []],
  [
    "deletes what is a millisecond older",
    { tags: { a: "2026-03-24T11:59:59.999Z" }, policy: { ...ALL, olderThan: "7d" } },
    ["a"],
  ],
  ["keeps what is dated in the future", { tags: { a: -30 }, policy: { ...ALL, olderThan: "7d" } }, []],
  [
    "counts 30 days back from the end of March into the first of it",
    { tags: { a: "2026-03-01T12:00:00Z", b: "2026-03-01T11:59:59Z" }, policy: { ...ALL, olderThan: "30d" } },
    ["b"],
  ],
  [
    "takes a month for 30 days, not for the calendar's",
    {
      tags: { feb28: "2026-02-28T12:00:00Z", mar1: "2026-03-01T12:00:00Z" },
      policy: { ...ALL, olderThan: "1month" },
    },
    ["feb28"],
  ],
  [
    "takes 3 months for 90 days, over the end of a leap year's February too",
    {
      tags: { a: "2024-01-31T00:00:01Z", b: "2024-01-30T23:59:59Z" },
      policy: { ...ALL, olderThan: "3month" },
      now: "2024-04-30T00:00:00Z",
    },
    ["b"],
  ],
  [
    "counts days of 24 hours where clocks are put forward",
    {
      tags: { a: "2026-03-22T12:00:00Z", b: "2026-03-22T11:59:59Z" },
      policy: { ...ALL, olderThan: "7d" },
      now: "2026-03-29T12:00:00Z",
    },
    ["b"],
  ],
  ["takes hours", { tags: { a: 0.4, b: 0.6 }, policy: { ...ALL, olderThan: "12h" } }, ["b"]],
  [
    "takes images dated 1970 for old",
    { tags: { a: "1970-01-01T00:00:00Z", b: 1 }, policy: { ...ALL, olderThan: "90d" } },
    ["a"],
  ],
  [
    "keeps by number before it keeps by age",
    { tags: { a: 100, b: 200, c: 300 }, policy: { ...ALL, keepN: 2, olderThan: "90d" } },
    ["c"],
  ],
  [
    "keeps by age what keep_n leaves",
    { tags: { a: 1, b: 2, c: 3, d: 100 }, policy: { ...ALL, keepN: 1, olderThan: "90d" } },
    ["d"],
  ],
  ["keeps what is protected", { tags: { a: 100, b: 100 }, policy: ALL, protectedTags: ["a"] }, ["b"]],
  [
    "counts what is protected among keep_n all the same",
    { tags: { a: 1, b: 2, c: 3 }, policy: { ...ALL, keepN: 1 }, protectedTags: ["b"] },
    ["c"],
  ],
  [
    "cuts nothing with max_list_size 0",
    { tags: { a: 1, b: 2, c: 3 }, policy: ALL, maxListSize: 0 },
    ["a", "b", "c"],
  ],
  [
    "cuts nothing off a list that just fits",
    { tags: { a: 1, b: 2, c: 3 }, policy: { ...ALL, keepN: 1 }, maxListSize: 2 },
    ["b", "c"],
  ],
  [
    "cuts to max_list_size without keep_n",
    { tags: { a: 1, b: 2, c: 3 }, policy: ALL, maxListSize: 2 },
    ["a", "b"],
  ],
  [
    "cuts to max_list_size and keep_n more, before keep_n counts",
    { tags: { a: 9, b: 8, c: 7, d: 1, e: 2 }, policy: { ...ALL, keepN: 1 }, maxListSize: 2 },
    ["a", "b"],
  ],
  [
    "cuts after the patterns have had their say",
    { tags: { a: 1, b: 1, v1: 1, v2: 1 }, policy: { nameRegexDelete: "v.*" }, maxListSize: 2 },
    ["v1", "v2"],
  ],
  [
    "goes on behind the last name of the run before",
    { tags: { a: 1, b: 1, c: 1, d: 1 }, policy: ALL, maxListSize: 2, continueAfter: "b" },
    ["c", "d"],
  ],
  [
    "goes on behind a name that has gone",
    { tags: { a: 1, c: 1, d: 1 }, policy: ALL, maxListSize: 1, continueAfter: "b" },
    ["c"],
  ],
  [
    "begins anew behind the end of the list",
    { tags: { a: 1, b: 1, c: 1, d: 1 }, policy: ALL, maxListSize: 2, continueAfter: "c" },
    ["a", "d"],
  ],
  [
    "begins anew if the last name was the last of all",
    { tags: { a: 1, b: 1 }, policy: ALL, maxListSize: 1, continueAfter: "b" },
    ["a"],
  ],
];

describe("the steps of a policy", () => {
  it.each(CASES)("%s", (_title, given, expected) => {
    expect(decideCase(given).deleted).toEqual(expected);
  });

  it("names the step that keeps each tag", () => {
    const { steps } = decideCase({
      tags: { latest: 9, other: 9, v1: 9, zz: 9, gone: "no manifest", new: 1, young: 2, pinned: 9, old: 9 },
      policy: {
        nameRegexDelete: "v1|gone|new|young|pinned|old|zz",
        nameRegexKeep: "v1",
        keepN: 1,
        olderThan: "7d",
      },
      maxListSize: 5,
      continueAfter: "a",
      protectedTags: ["pinned"],
    });
    expect(Object.fromEntries(steps)).toEqual({
      latest: "latest",
      other: "name_regex_delete",
      v1: "name_regex_keep",
      gone: "no_manifest",
      new: "keep_n",
      young: "older_than",
      pinned: "protected",
      old: "delete",
      zz: "delete",
    });
  });

  it("says where the next run begins", () => {
    const tags = { a: 1, b: 1, c: 1, d: 1, e: 1 };
    const first = decideCase({ tags, policy: ALL, maxListSize: 2 });
    expect(first.continueAfter).toBe("b");
    expect(first.steps.get("c")).toBe("max_list_size");
    const second = decideCase({ tags, policy: ALL, maxListSize: 2, continueAfter: "b" });
    expect(second.continueAfter).toBe("d");
    expect(
      decideCase({ tags, policy: ALL, maxListSize: 2, continueAfter: "d" }).continueAfter,
    ).toBeUndefined();
    expect(decideCase({ tags, policy: ALL, maxListSize: 5 }).continueAfter).toBeUndefined();
  });
});
