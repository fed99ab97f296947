import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../../src/oci/digest.ts";
import {
  ChecksumRotation,
  END_OF_DIGESTS,
  placeOf,
} from "../../../../../src/operations/verify/rotation/checksum-rotation.ts";

const blob = (text: string, algorithm: "sha256" | "sha512" = "sha256") =>
  digestOf(Buffer.from(text), algorithm);

describe("ChecksumRotation", () => {
  it("covers every blob that stays in 100/N runs, whatever comes and goes meanwhile", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.array(fc.string(), { minLength: 1, maxLength: 50 }),
        fc.array(fc.array(fc.string(), { maxLength: 20 }), { minLength: 1, maxLength: 10 }),
        (percent, start, staying, passing) => {
          let next = 0;
          const hashed = new Set<string>();
          const run = (blobs: readonly string[]): void => {
            const rotation = new ChecksumRotation(percent, next);
            for (const text of blobs) if (rotation.takes(blob(text))) hashed.add(text);
            rotation.finish();
            next = rotation.reached >= END_OF_DIGESTS ? 0 : rotation.reached;
          };
          // Anywhere in the round.
          for (let runs = Math.floor((start * 100) / percent); runs > 0; runs--) run([]);
          for (let runs = Math.ceil(100 / percent); runs > 0; runs--) {
            run([...staying, ...(passing[runs % passing.length] ?? [])]);
          }
          expect(staying.filter((text) => !hashed.has(text))).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("takes each blob once in a round", () => {
    const taken: string[] = [];
    let next = 0;
    do {
      const rotation = new ChecksumRotation(7, next);
      for (let n = 0; n < 500; n++) {
        const digest = blob(`${n}`, n % 2 ? "sha512" : "sha256");
        if (rotation.takes(digest)) taken.push(digest);
      }
      rotation.finish();
      next = rotation.reached;
    } while (next < END_OF_DIGESTS);
    expect(taken).toHaveLength(500);
    expect(new Set(taken).size).toBe(500);
  });

  it("goes on behind the last blob that a stopped run has hashed", () => {
    const digests = Array.from({ length: 100 }, (_, n) => blob(`${n}`)).sort();
    const stopped = new ChecksumRotation(50, 0);
    const due = digests.filter((digest) => stopped.takes(digest));
    const [last = blob("")] = due.slice(9);
    stopped.reach(last);
    const next = new ChecksumRotation(50, stopped.reached);
    expect(digests.filter((digest) => next.takes(digest))[0]).toBe(due[10]);
  });

  it("begins anew if it is told a place that there is not", () => {
    for (const from of [-1, END_OF_DIGESTS, Number.NaN]) expect(new ChecksumRotation(5, from).from).toBe(0);
    expect(placeOf(digestOf(Buffer.from("")))).toBeLessThan(END_OF_DIGESTS);
  });
});
