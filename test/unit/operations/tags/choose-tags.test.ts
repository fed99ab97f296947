import { describe, expect, it } from "vitest";
import { compilePattern } from "../../../../src/lib/re2-pattern.ts";
import { digestOf } from "../../../../src/oci/digest.ts";
import { chooseTags, type TagRules } from "../../../../src/operations/tags/choose-tags.ts";
import type { ImageCreated, TagFacts } from "../../../../src/operations/tags/tag-source.ts";

const NOW_MS = Date.UTC(2026, 0, 31);
const DAY_MS = 86_400_000;

function tag(name: string, created: ImageCreated, pushedMs?: number): TagFacts {
  return {
    ...{ name, digest: digestOf(Buffer.from(name)), mediaType: "x", created, pushedMs },
    ...{ sizeBytes: 1, platforms: [], siblings: [], isManifestMissing: false },
  };
}

const known = (daysAgo: number): ImageCreated => ({ kind: "known", ms: NOW_MS - daysAgo * DAY_MS });

function going(tags: readonly TagFacts[], changes: Partial<TagRules>): string[] {
  return decide(tags, changes).flatMap((each) => (each.goes ? [each.tag.name] : []));
}

function decide(tags: readonly TagFacts[], changes: Partial<TagRules>) {
  return chooseTags(tags, {
    match: compilePattern(".*", { anchored: "whole" }),
    ...{ keep: undefined, olderThanMs: undefined, keepNewest: undefined, ageBy: "created", nowMs: NOW_MS },
    ...changes,
  });
}

describe("which tags go by rules", () => {
  it("keeps a tag whose date cannot be read, and lets it take no place of the newest", () => {
    const tags = [
      tag("broken", { kind: "unreadable", reason: "the store is away" }),
      tag("index", { kind: "none" }),
      tag("new", known(1)),
      tag("old", known(30)),
      tag("older", known(31)),
    ];
    expect(going(tags, { keepNewest: 1 })).toEqual(["old", "older"]);
    expect(going(tags, { olderThanMs: 0 })).toEqual(["new", "old", "older"]);
    expect(decide(tags, { keepNewest: 1 }).slice(0, 3)).toMatchObject([
      { goes: false, isDoubt: true, reason: "when it was created cannot be read: the store is away" },
      { goes: false, isDoubt: false, reason: "its image does not say when it was created" },
      { goes: false, isDoubt: false, reason: "it is among the 1 newest" },
    ]);
  });

  it("looks at no date where none matters", () => {
    const tags = [tag("broken", { kind: "unreadable", reason: "gone" }), tag("latest", { kind: "none" })];
    expect(going(tags, {})).toEqual(["broken"]);
    expect(going(tags, { keepNewest: 0 })).toEqual(["broken"]);
  });

  it("takes the name for the age where two are of one moment, the last one as the newest", () => {
    const tags = ["a", "b", "c"].map((name) => tag(name, known(3)));
    expect(going(tags, { keepNewest: 1 })).toEqual(["a", "b"]);
  });

  it("does not count what is exactly as old as was said", () => {
    expect(going([tag("a", known(3))], { olderThanMs: 3 * DAY_MS })).toEqual([]);
    expect(going([tag("a", known(3))], { olderThanMs: 3 * DAY_MS - 1 })).toEqual(["a"]);
  });

  it("knows an image of 1970 as old by its creation and as new by its push", () => {
    const tags = [tag("reproducible", { kind: "known", ms: 0 }, NOW_MS - DAY_MS)];
    expect(going(tags, { olderThanMs: 30 * DAY_MS })).toEqual(["reproducible"]);
    expect(going(tags, { olderThanMs: 30 * DAY_MS, ageBy: "pushed" })).toEqual([]);
    expect(decide([tag("a", known(3))], { olderThanMs: 1, ageBy: "pushed" })).toMatchObject([
      { goes: false, isDoubt: true },
    ]);
  });

  it("matches whole names only", () => {
    const tags = ["v1", "v10", "xv1"].map((name) => tag(name, known(1)));
    expect(going(tags, { match: compilePattern("v1|w", { anchored: "whole" }) })).toEqual(["v1"]);
  });
});
