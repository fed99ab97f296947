import { describe, expect, it } from "vitest";
import { SweepPace, type SweepPaceOptions } from "../../../../src/registry/apply/sweep-pace.ts";

/** A pace with a clock that only waiting and `work` move on. */
function paced(options: Pick<SweepPaceOptions, "maxOpsPerSecond" | "rests">) {
  let nowMs = 1000;
  const waits: number[] = [];
  const pace = new SweepPace({
    ...options,
    clockMs: () => nowMs,
    sleep: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
  });
  const batch = async (files: number, workMs: number): Promise<void> => {
    await pace.begin(files);
    nowMs += workMs;
    pace.end();
  };
  return { pace, batch, waits };
}

describe("the pace of a sweep", () => {
  it("rests behind each batch as long as it took, and a second at the most", async () => {
    const { batch, waits } = paced({ maxOpsPerSecond: 0, rests: true });
    for (const workMs of [40, 5000, 7]) await batch(250, workMs);
    await batch(1, 0);
    expect(waits).toEqual([40, 1000, 7]);
  });

  it("begins no batch before the files of the last one are due", async () => {
    const { batch, waits } = paced({ maxOpsPerSecond: 50, rests: false });
    for (const files of [50, 25, 10]) await batch(files, 100);
    expect(waits).toEqual([900, 400]);
  });

  it("keeps to a pace that is slower than a timer can wait", async () => {
    const { batch, waits } = paced({ maxOpsPerSecond: 1e-7, rests: false });
    for (const files of [1, 1]) await batch(files, 0);
    expect(Math.max(...waits)).toBeLessThan(2 ** 31);
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(1e10);
  });

  it("makes batches of what a second may see", () => {
    const files = (maxOpsPerSecond: number) => paced({ maxOpsPerSecond, rests: false }).pace.batchFiles(250);
    expect([0, 1000, 12.7, 0.2].map(files)).toEqual([250, 250, 12, 1]);
  });

  it("waits for nothing any more when the signal is aborted", async () => {
    const stop = new AbortController();
    const pace = new SweepPace({ maxOpsPerSecond: 0.001, rests: false, signal: stop.signal });
    await pace.begin(1);
    const second = pace.begin(1);
    stop.abort();
    await second;
  });
});
