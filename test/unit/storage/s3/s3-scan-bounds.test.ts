import { describe, expect, it } from "vitest";
import type { ListedPage, PageRequest } from "../../../../src/storage/s3/s3-listing.ts";
import { findBounds } from "../../../../src/storage/s3/s3-scan-bounds.ts";
import { ScanRange } from "../../../../src/storage/s3/s3-scan-range.ts";

const HASH = "0".repeat(60);

function pageOf(keys: readonly string[], hasMore = false): ListedPage {
  return {
    objects: keys.map((key) => ({ key, sizeBytes: 1, modifiedMs: 0 })),
    prefixes: [],
    next: hasMore ? { token: "t", repeats: 0 } : undefined,
    dateMs: 0,
  };
}

/** A range that has come as far as a key. */
function rangeUpTo(lastKey: string, keyCount: number, bounds: { after?: string; upTo?: string } = {}) {
  const range = new ScanRange(bounds.after ?? "", bounds.upTo);
  range.advance(pageOf([lastKey], true));
  range.keyCount = keyCount;
  return range;
}

/** Answers a listing of children with some folders, by the prefix that is asked for. */
function searchIn(folders: Record<string, string[]>, prefix = "v2/") {
  const asked: string[] = [];
  const listPage = async ({ prefix: below }: PageRequest): Promise<ListedPage> => {
    asked.push(below);
    const prefixes = (folders[below] ?? []).map((name) => `${below}${name}/`);
    return { objects: [], prefixes, next: undefined, dateMs: 0 };
  };
  return { asked, search: { prefix, maxRanges: 4, maxPages: 8, listPage } };
}

describe("bounds for a range", () => {
  it("lie evenly among hashes, without a request", async () => {
    const { asked, search } = searchIn({}, "blobs/sha256/");
    const range = rangeUpTo(`blobs/sha256/10/1000${HASH}/data`, 1000);
    // A sixteenth has a page, so 15 pages are left for four ranges.
    const bounds = await findBounds(range, search);
    expect(bounds).toEqual([
      "blobs/sha256/50/50000000",
      "blobs/sha256/90/90000000",
      "blobs/sha256/d0/d0000000",
    ]);
    expect(asked).toEqual([]);
  });

  it("leave ranges of no more pages than may wait", async () => {
    const { search } = searchIn({}, "layers/sha256/");
    const range = rangeUpTo(`layers/sha256/0100${HASH}/link`, 1000);
    expect(await findBounds(range, search)).toEqual([
      "layers/sha256/09000000",
      "layers/sha256/11000000",
      "layers/sha256/19000000",
    ]);
  });

  it("are not looked for where hardly anything is left", async () => {
    const { search } = searchIn({}, "layers/sha256/");
    expect(await findBounds(rangeUpTo(`layers/sha256/c000${HASH}/link`, 1000), search)).toEqual([]);
  });

  it("keep to the end of the range among hashes", async () => {
    const { search } = searchIn({}, "layers/sha256/");
    const bounds = { after: "layers/sha256/40000000", upTo: "layers/sha256/80000000" };
    const range = rangeUpTo(`layers/sha256/4800${HASH}/link`, 1000, bounds);
    for (const bound of await findBounds(range, search)) {
      expect(bound > range.lastKey && bound < bounds.upTo).toBe(true);
    }
  });

  it("are folders beside the way to the last key, from the top down", async () => {
    const { asked, search } = searchIn({ "v2/": [], "v2/group/": ["b", "c", "d", "e", "f", "g"] });
    const range = rangeUpTo(`v2/group/a/_layers/sha256/5000${HASH}/link`, 1000);
    expect(await findBounds(range, search)).toEqual(["v2/group/b", "v2/group/d", "v2/group/f"]);
    expect(asked).toEqual(["v2/", "v2/group/"]);
  });

  it("begin at the lowest folder that has all that is left", async () => {
    const { asked, search } = searchIn({ "v2/group/": ["b", "z"] });
    const range = rangeUpTo("v2/group/a/f", 1000, { upTo: "v2/group/x" });
    expect(await findBounds(range, search)).toEqual(["v2/group/b"]);
    expect(asked).toEqual(["v2/group/"]);
  });

  it("are none where only files follow", async () => {
    const { search } = searchIn({});
    expect(await findBounds(rangeUpTo("v2/group/a/f", 1000), search)).toEqual([]);
  });
});

describe("a range of keys", () => {
  it("leaves what is behind a bound to the next one", () => {
    const range = new ScanRange("", undefined);
    range.advance(pageOf(["a", "b"], true));
    const [second, third] = range.splitAt(["a", "f", "k"]);
    expect([range.upTo, second?.after, second?.upTo, third?.after, third?.upTo]).toEqual([
      ...["f", "f", "k", "k"],
      undefined,
    ]);
    expect(range.advance(pageOf(["e", "f", "f/x"], true)).map(({ key }) => key)).toEqual(["e", "f"]);
    expect(range.isDone).toBe(true);
    expect(second?.advance(pageOf(["f/x", "g"], true)).map(({ key }) => key)).toEqual(["f/x", "g"]);
    expect(second?.isDone).toBe(false);
  });

  it("refuses a page that does not begin behind it: nothing may be taken for missing", () => {
    const range = new ScanRange("k", undefined);
    expect(() => range.advance(pageOf(["a", "b"], true))).toThrow("not in order");
    range.advance(pageOf(["l"], true));
    expect(() => range.advance(pageOf(["l", "m"], true))).toThrow("not in order");
    expect(() => range.advance(pageOf(["n", "m"], true))).toThrow("not in order");
  });

  it("goes on behind an empty page that is not the last", () => {
    const range = new ScanRange("", undefined);
    expect(range.advance(pageOf([], true))).toEqual([]);
    expect(range.isDone).toBe(false);
    range.advance(pageOf([]));
    expect(range.isDone).toBe(true);
  });
});
