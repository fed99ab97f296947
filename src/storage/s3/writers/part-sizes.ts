/*
 * How a file is cut into the parts of a multipart upload.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */

const MIB = 1024 * 1024;

/** All parts but the last have at least so many bytes. */
export const MIN_PART_BYTES = 5 * MIB;
/** Parts are numbered from 1 to this. */
export const MAX_PARTS = 10_000;
/** A part that is copied inside the store has at most so many bytes. */
export const MAX_COPIED_PART_BYTES = 5 * 1024 * MIB;
/** The largest part that is held in memory, whatever `chunksize` says. */
export const MAX_HELD_PART_BYTES = 32 * MIB;
/** Parts behind those that were copied from an object begin with this size. */
export const PART_BYTES_BEHIND_COPIES = 16 * MIB;

/** So many parts have one size, the next as many twice that. */
const PARTS_OF_ONE_SIZE = 1_000;
/** What there is already is copied in so many parts, which leaves room for others. */
const MAX_COPIED_PARTS = 1_000;
const MIN_COPIED_PART_BYTES = 64 * MIB;

/** @returns the size of the first part of a new upload; `chunksize` within the bounds of S3 and of memory */
export function firstPartBytes(chunkBytes: number): number {
  return Math.min(MAX_HELD_PART_BYTES, Math.max(MIN_PART_BYTES, chunkBytes));
}

/**
 * The size of a full part. It depends on the number alone, so that a part lies at the same place of the file whoever
 * uploads it: one that a process left behind when it died is either that of its successor or replaced by it.
 *
 * @param firstBytes - size of the first part, at most {@link MAX_HELD_PART_BYTES}
 * @param number - from 1
 */
export function partBytes(firstBytes: number, number: number): number {
  const doublings = Math.floor((number - 1) / PARTS_OF_ONE_SIZE);
  return Math.min(MAX_HELD_PART_BYTES, firstBytes * 2 ** doublings);
}

/** @returns how many bytes `parts` parts can hold */
export function capacityBytes(firstBytes: number, parts: number = MAX_PARTS): number {
  let sum = 0;
  for (let number = 1; number <= parts; number++) sum += partBytes(firstBytes, number);
  return sum;
}

/**
 * How an object becomes the first parts of an upload that goes on behind it.
 *
 * @param sizeBytes - at least {@link MIN_PART_BYTES}; fewer bytes make no part that others can follow
 * @returns the sizes in order, which depend on nothing else
 */
export function copiedPartSizes(sizeBytes: number): number[] {
  if (sizeBytes < MIN_PART_BYTES) return [];
  const wanted = Math.max(MIN_COPIED_PART_BYTES, Math.ceil(sizeBytes / MAX_COPIED_PARTS));
  const count = Math.ceil(sizeBytes / Math.min(MAX_COPIED_PART_BYTES, wanted));
  const end = (index: number): number => Math.floor((sizeBytes / count) * index);
  return Array.from({ length: count }, (_, index) =>
    index === count - 1 ? sizeBytes - end(index) : end(index + 1) - end(index),
  );
}
