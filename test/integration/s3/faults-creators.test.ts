import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { faultsBySeed } from "../../support/s3-server/faults.ts";
import { faultyServer, impatientDriver, newBucket, runs } from "./faulty-store.ts";

const CREATORS = 6;

describe.each([
  ["knows conditions", false, 10],
  ["does not know conditions", true, 3],
])("creators of one file on a store that %s", { timeout: 120_000 }, (_, ignoresConditionalPuts, count) => {
  it("come to one winner at the most, who knows it, whatever goes wrong", async () => {
    const s3 = await faultyServer({ habits: { ignoresConditionalPuts } });
    await fc.assert(
      fc.asyncProperty(fc.nat(2 ** 31 - 1), async (seed) => {
        const bucket = newBucket(s3);
        s3.options.faults = faultsBySeed(seed, { probability: 0.2 });
        const results = await Promise.all(
          Array.from({ length: CREATORS }, async (_, number) => ({
            number,
            hasWon: await impatientDriver(s3, bucket).putIfAbsent("/lock", Buffer.from(`creator ${number}`)),
          })),
        );
        const winners = results.filter(({ hasWon }) => hasWon);
        expect(winners.length).toBeLessThanOrEqual(1);
        const stored = s3.objects(bucket).get("lock")?.body.toString();
        expect(stored).toBe(winners.length === 0 ? undefined : `creator ${winners[0]?.number}`);
        // Where all step back from each other nobody has it, and the next one gets it.
        const late = await impatientDriver(s3, bucket).putIfAbsent("/lock", Buffer.from("late"));
        expect(late).toBe(winners.length === 0);
      }),
      runs(count),
    );
  });
});
