import { describe, expect, it } from "vitest";
import { copiedRanges } from "../../../../src/storage/s3/s3-copy.ts";

const MEBIBYTE = 1024 ** 2;

describe("the parts of a copy", () => {
  it("cover all bytes once, in order", () => {
    expect(copiedRanges(10, 5 * MEBIBYTE)).toEqual([{ partNumber: 1, firstByte: 0, lastByte: 9 }]);
    const ranges = copiedRanges(11 * MEBIBYTE, 5 * MEBIBYTE);
    expect(ranges.map(({ firstByte, lastByte }) => lastByte - firstByte + 1)).toEqual([
      5 * MEBIBYTE,
      5 * MEBIBYTE,
      MEBIBYTE,
    ]);
    ranges.forEach((range, index) => {
      expect(range.partNumber).toBe(index + 1);
      expect(range.firstByte).toBe(index === 0 ? 0 : (ranges[index - 1]?.lastByte ?? 0) + 1);
    });
  });

  it.each([1, 5 * MEBIBYTE, 32 * MEBIBYTE])("are no more than S3 takes, at %i bytes each", (chunkBytes) => {
    for (const sizeBytes of [6 * 1024 * MEBIBYTE, 5 * 1024 ** 4]) {
      const ranges = copiedRanges(sizeBytes, chunkBytes);
      expect(ranges.length).toBeLessThanOrEqual(10_000);
      expect(ranges.at(-1)?.lastByte).toBe(sizeBytes - 1);
    }
  });

  it("are no smaller than S3 takes", () => {
    const [first, second] = copiedRanges(20 * MEBIBYTE, MEBIBYTE);
    expect([first?.lastByte, second?.firstByte]).toEqual([5 * MEBIBYTE - 1, 5 * MEBIBYTE]);
  });

  it("are no larger than S3 takes", () => {
    const [first] = copiedRanges(20 * 1024 ** 3, 100 * 1024 ** 3);
    expect((first?.lastByte ?? 0) + 1).toBe(5 * 1024 ** 3);
  });
});
