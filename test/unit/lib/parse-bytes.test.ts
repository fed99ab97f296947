import { describe, expect, it } from "vitest";
import { parseBytes } from "../../../src/lib/parse-bytes.ts";

describe("parseBytes", () => {
  it.each([
    ["0", 0],
    ["4096", 4096],
    ["4096B", 4096],
    ["10k", 10_000],
    ["10KiB", 10_240],
    ["500GB", 500_000_000_000],
    ["500 GB", 500_000_000_000],
    ["500gib", 536_870_912_000],
    ["1.5T", 1_500_000_000_000],
    ["0.0001k", 1],
    [" 2PiB ", 2 * 1024 ** 5],
  ])("reads %s as %d bytes", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(["", "GB", "-1", "1e9", "10 apples", "10GBs", "1,5G", "9PB9", "99999999PB", "10iB", "0x10"])(
    "does not take %j for an amount",
    (text) => {
      expect(parseBytes(text)).toBeUndefined();
    },
  );
});
