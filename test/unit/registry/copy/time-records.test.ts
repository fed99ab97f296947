import fc from "fast-check";
import { expect, it } from "vitest";
import {
  RECORD_BYTES,
  sortRecords,
  timeIn,
  writeRecord,
} from "../../../../src/registry/copy/time-records.ts";

function recordsOf(entries: readonly (readonly [path: string, modifiedMs: number])[]): Buffer {
  const records = Buffer.alloc(entries.length * RECORD_BYTES);
  for (const [index, [path, modifiedMs]] of entries.entries())
    writeRecord(records, index * RECORD_BYTES, path, modifiedMs);
  return records;
}

it("finds what was recorded and nothing else, whatever the number of records", () => {
  for (const count of [0, 1, 2, 24, 25, 3000]) {
    const entries = Array.from({ length: count }, (_, index) => [`/f${index}`, index * 1000] as const);
    const sorted = sortRecords(recordsOf(entries));
    expect(sorted.length).toBe(count * RECORD_BYTES);
    for (const [path, modifiedMs] of entries) expect(timeIn(sorted, path)).toBe(modifiedMs);
    expect(timeIn(sorted, "/none")).toBeUndefined();
  }
});

it("finds keys that are not spread as hashes are", () => {
  const path = "/f";
  const real = recordsOf([[path, 7]]);
  const near = Array.from({ length: 500 }, (_, index) => {
    const record = Buffer.from(real);
    record.writeUInt16BE(index, 8);
    return record;
  }).filter((record) => record.compare(real, 0, 10, 0, 10) !== 0);
  expect(timeIn(sortRecords(Buffer.concat([...near, real])), path)).toBe(7);
  expect(timeIn(sortRecords(Buffer.concat(near)), path)).toBeUndefined();
  const low = Array.from({ length: 3000 }, (_, index) => {
    const record = Buffer.alloc(RECORD_BYTES);
    record.writeUInt16BE(index, 4);
    return record;
  });
  expect(timeIn(sortRecords(Buffer.concat([...low, real])), path)).toBe(7);
});

it("sorts any bytes as comparing them does, and keeps the latest time of each key", () => {
  // Few different bytes, so that keys share beginnings and are the same.
  const record = fc.array(fc.integer({ min: 0, max: 2 }), {
    minLength: RECORD_BYTES,
    maxLength: RECORD_BYTES,
  });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 200 }), (rows) => {
      const sorted = sortRecords(Buffer.from(rows.flat()));
      const latest = new Map<string, string>();
      for (const hex of rows.map((row) => Buffer.from(row).toString("hex")).sort())
        latest.set(hex.slice(0, 20), hex);
      expect(sorted.toString("hex")).toBe([...latest.values()].join(""));
    }),
  );
});

it("cuts times to what a record can hold", () => {
  const times = [-5, 0, 1.9, 1_700_000_000_123.75, 2 ** 48 - 1, 2 ** 50, Number.POSITIVE_INFINITY];
  const held = times.map((time) => timeIn(recordsOf([["/f", time]]), "/f"));
  expect(held).toEqual([0, 0, 1, 1_700_000_000_123, 2 ** 48 - 1, 2 ** 48 - 1, 2 ** 48 - 1]);
});
