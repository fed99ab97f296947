import fc from "fast-check";
import { expect, it } from "vitest";
import {
  capacityBytes,
  copiedPartSizes,
  firstPartBytes,
  MAX_COPIED_PART_BYTES,
  MAX_HELD_PART_BYTES,
  MAX_PARTS,
  MIN_PART_BYTES,
  PART_BYTES_BEHIND_COPIES,
  partBytes,
} from "../../../../../src/storage/s3/writers/part-sizes.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

it("takes chunksize for the first part, as far as S3 and memory allow", () => {
  expect([1, 5 * MIB, 10 * MIB, 100 * MIB].map(firstPartBytes)).toEqual([
    5 * MIB,
    5 * MIB,
    10 * MIB,
    MAX_HELD_PART_BYTES,
  ]);
});

it("lets parts grow with their number, never beyond what is held in memory", () => {
  expect([1, 1000, 1001, 2000, 2001, MAX_PARTS].map((number) => partBytes(10 * MIB, number) / MIB)).toEqual([
    10, 10, 20, 20, 32, 32,
  ]);
});

it("holds more than 10 GiB in parts of any size that chunksize may have", () => {
  for (const first of [5, 10, 32]) expect(capacityBytes(first * MIB)).toBeGreaterThan(200 * GIB);
});

it("holds 5 TiB by making an object of what there is when the numbers are used up", () => {
  let sizeBytes = 0;
  let rounds = 0;
  while (sizeBytes < 5 * TIB) {
    const copies = copiedPartSizes(sizeBytes);
    expect(copies.length).toBeLessThanOrEqual(1024);
    const first = copies.length === 0 ? firstPartBytes(10 * MIB) : PART_BYTES_BEHIND_COPIES;
    sizeBytes += capacityBytes(first) - capacityBytes(first, copies.length);
    rounds++;
  }
  expect(rounds).toBeLessThan(25);
});

it("copies any object in parts that S3 takes and that make it up", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 * TIB }), (sizeBytes) => {
      const sizes = copiedPartSizes(sizeBytes);
      const copiedBytes = sizes.reduce((sum, size) => sum + size, 0);
      expect(copiedBytes).toBe(sizeBytes < MIN_PART_BYTES ? 0 : sizeBytes);
      expect(sizes.every((size) => size >= MIN_PART_BYTES && size <= MAX_COPIED_PART_BYTES)).toBe(true);
    }),
  );
});
