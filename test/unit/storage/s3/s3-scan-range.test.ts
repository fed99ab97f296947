import { describe, expect, test } from "vitest";
import type { ListedPage, PagePosition } from "../../../../src/storage/s3/s3-listing.ts";
import { ScanRange } from "../../../../src/storage/s3/s3-scan-range.ts";

const page = (keys: string[], next?: PagePosition): ListedPage => ({
  objects: keys.map((key) => ({ key, sizeBytes: 1, modifiedMs: 0 })),
  prefixes: [],
  next,
  dateMs: 0,
});

const keysOf = (objects: { key: string }[]): string[] => objects.map(({ key }) => key);

describe("the end of a range of a scan", () => {
  test("counts when nothing is found behind the last key", () => {
    const range = new ScanRange("", undefined);
    range.advance(page(["a", "b"]));
    expect(range).toMatchObject({ isDone: false, isAtEnd: true, position: { after: "b" } });
    range.advance(page([]));
    expect(range.isDone).toBe(true);
  });

  test("does not count where a store has ended its listing too early", () => {
    const range = new ScanRange("", undefined);
    range.advance(page(["a", "b"]));
    expect(keysOf(range.advance(page(["c"], { token: "x", repeats: 0 })))).toEqual(["c"]);
    expect(range).toMatchObject({ isDone: false, isAtEnd: false, position: { token: "x", repeats: 0 } });
    range.advance(page([]));
    expect(range).toMatchObject({ isDone: false, position: { after: "c" } });
    range.advance(page([]));
    expect(range.isDone).toBe(true);
  });

  test("needs no second question where a key of the next range has come", () => {
    const range = new ScanRange("a", "c");
    expect(keysOf(range.advance(page(["b", "d"])))).toEqual(["b"]);
    expect(range.isDone).toBe(true);
  });

  test("is asked for once more also where the first page of a range behind others is empty", () => {
    const range = new ScanRange("m", undefined);
    range.advance(page([]));
    expect(range).toMatchObject({ isDone: false, position: { after: "m" } });
  });

  test("is there at once where there is nothing at all", () => {
    const range = new ScanRange("", undefined);
    range.advance(page([]));
    expect(range.isDone).toBe(true);
  });
});
