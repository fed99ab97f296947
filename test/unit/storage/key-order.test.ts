import { assert, constantFrom, oneof, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys, sortKeys } from "../../../src/storage/key-order.ts";

const key = string({
  unit: oneof(constantFrom("a", "/", "-", "0", "\u00e9", "\ufffd", "\u{1f600}", "\u{10000}")),
});

describe("key order", () => {
  it("is the order of UTF-8 bytes", async () => {
    await assert(
      property(key, key, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it("sorts with and without high characters alike", () => {
    expect(sortKeys(["a0", "a/", "a", "a-b/"])).toEqual(["a", "a-b/", "a/", "a0"]);
    expect(sortKeys(["\u{1f600}", "\ufffd", "a"])).toEqual(["a", "\ufffd", "\u{1f600}"]);
  });
});
