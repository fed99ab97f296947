import { describe, expect, it } from "vitest";
import { ifRangeHolds, parseContentRange, parseRange, uploadedRange } from "../../../src/server/range.ts";

describe("parseRange", () => {
  it.each([
    ["bytes=0-0", 10, { first: 0, last: 0 }],
    ["bytes=2-5", 10, { first: 2, last: 5 }],
    ["bytes=2-", 10, { first: 2, last: 9 }],
    ["bytes=-3", 10, { first: 7, last: 9 }],
    ["bytes=-30", 10, { first: 0, last: 9 }],
    ["bytes=5-500", 10, { first: 5, last: 9 }],
    ["bytes=9-9", 10, { first: 9, last: 9 }],
  ])("reads %s of %i bytes", (header, size, expected) => {
    expect(parseRange(header, size)).toEqual(expected);
  });

  it.each([
    ["bytes=10-", 10],
    ["bytes=10-20", 10],
    ["bytes=-0", 10],
    ["bytes=0-", 0],
    ["bytes=-5", 0],
  ])("cannot satisfy %s of %i bytes", (header, size) => {
    expect(parseRange(header, size)).toBe("unsatisfiable");
  });

  it.each([
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=5-2",
    "items=0-1",
    "bytes=0-1,4-5",
    "bytes=a-b",
    "bytes=1.5-2",
  ])("sends the whole for %s", (header) => expect(parseRange(header, 10)).toBeUndefined());
});

describe("ifRangeHolds", () => {
  it("takes this version's tag, and nothing else", () => {
    expect(ifRangeHolds(undefined, '"x"')).toBe(true);
    expect(ifRangeHolds('"x"', '"x"')).toBe(true);
    expect(ifRangeHolds('W/"x"', '"x"')).toBe(false);
    expect(ifRangeHolds("Sat, 21 Nov 2026 00:00:00 GMT", '"x"')).toBe(false);
  });
});

describe("parseContentRange", () => {
  it("reads ranges with and without unit and total", () => {
    expect(parseContentRange("0-4")).toEqual({ first: 0, last: 4 });
    expect(parseContentRange("bytes 5-9/*")).toEqual({ first: 5, last: 9 });
    expect(parseContentRange("bytes=5-9/10")).toEqual({ first: 5, last: 9 });
  });

  it.each(["", "5", "-5", "5-", "9-5", "a-b", "0-4-9", "0-99999999999999999999", "bytes 0-4/x"])(
    "refuses %s",
    (header) => expect(parseContentRange(header)).toBeUndefined(),
  );
});

describe("uploadedRange", () => {
  it("names the last byte, and 0-0 for an empty upload", () => {
    expect(uploadedRange(0)).toBe("0-0");
    expect(uploadedRange(1)).toBe("0-0");
    expect(uploadedRange(100)).toBe("0-99");
  });
});
