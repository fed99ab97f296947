import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BegunWork, LowWater } from "../../../../src/registry/copy/low-water.ts";

describe("LowWater", () => {
  test("tells at any moment the last path before which nothing is open", () => {
    const steps = fc.array(fc.record({ kind: fc.constantFrom("pass", "begin", "end"), pick: fc.nat() }));
    fc.assert(
      fc.property(steps, (taken) => {
        const lowWater = new LowWater("");
        const paths: { path: string; isDone: boolean }[] = [];
        const open: { work: BegunWork; index: number }[] = [];
        for (const { kind, pick } of taken) {
          const path = String(paths.length).padStart(4, "0");
          if (kind === "pass") {
            lowWater.passed(path);
            paths.push({ path, isDone: true });
          } else if (kind === "begin") {
            open.push({ work: lowWater.begin(path), index: paths.length });
            paths.push({ path, isDone: false });
          } else {
            const [ended] = open.splice(pick % Math.max(1, open.length), 1);
            if (!ended) continue;
            lowWater.end(ended.work);
            const entry = paths[ended.index];
            if (entry) entry.isDone = true;
          }
          const firstOpen = paths.findIndex(({ isDone }) => !isDone);
          const done = firstOpen < 0 ? paths : paths.slice(0, firstOpen);
          expect(lowWater.position).toBe(done.at(-1)?.path ?? "");
          expect(lowWater.isDone).toBe(firstOpen < 0);
          expect(lowWater.lastPath).toBe(paths.at(-1)?.path ?? "");
        }
      }),
    );
  });
});
