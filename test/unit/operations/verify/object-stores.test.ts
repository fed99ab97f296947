import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import type { VerifyReport } from "../../../../src/operations/verify/verify-report.ts";
import { revisionLinkPath } from "../../../../src/registry/paths.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { buildRandomTree, pushSteps } from "../../../support/random-tree.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { RemoteStore } from "../../../support/remote-store.ts";
import { verify } from "./verify-store.ts";

/** What a report says, whatever was found first. */
function comparable({ problems, notices, unchecked, seconds: _, ...rest }: VerifyReport) {
  const sorted = (findings: VerifyReport["problems"]) =>
    findings
      .map(({ kind, message, tags, repositories }) =>
        [kind, message, [...tags.first].sort(), [...repositories.first].sort()].join(" "),
      )
      .sort();
  const paths = unchecked.map(({ path }) => path).sort();
  return { ...rest, problems: sorted(problems), notices: sorted(notices), unchecked: paths };
}

describe("verify on an object store", () => {
  it("finds what it finds elsewhere, on sound and on damaged stores", async () => {
    await fc.assert(
      fc.asyncProperty(
        pushSteps,
        fc.array(fc.nat(), { maxLength: 3 }),
        fc.array(fc.nat(), { maxLength: 2 }),
        async (steps, removed, emptied) => {
          const inner = new MemoryDriver();
          const tree = new RegistryTree(inner);
          await buildRandomTree(tree, steps);
          const files = await tree.files();
          const pathOf = (pick: number): string => files[pick % files.length] ?? "";
          for (const pick of emptied) await inner.put(pathOf(pick), new Uint8Array());
          for (const pick of removed) await inner.delete(pathOf(pick)).catch(() => undefined);
          const options = { checksumPercent: 100 };

          const remote = await verify(new RemoteStore({ inner }).driver, options);

          expect(comparable(remote)).toEqual(comparable(await verify(inner, options)));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("reads files of several repositories at a time, each once, and no more than it may", async () => {
    const inner = new MemoryDriver();
    const tree = new RegistryTree(inner);
    for (let number = 0; number < 12; number++)
      await tree.repository(`r${number}`).image("same", [], { tag: "v1" });
    const store = new RemoteStore({ inner, latencyMs: 2 });

    const report = await verify(store.driver, { concurrency: 10 });

    expect(report.complete).toBe(true);
    expect(store.peak).toBe(10);
    // For each: the tag with its history, a revision, a config; and one manifest for all.
    expect(store.count("get")).toBe(12 * 4 + 1);
    expect(store.count("stat")).toBe(0);
  });

  it("says what could not be read", async () => {
    const store = new RemoteStore();
    const tree = new RegistryTree(store.inner);
    const { digest } = await tree.repository("app").image("one", [], { tag: "v1" });
    const link = revisionLinkPath("app", digest);
    store.before = ({ path }) => {
      if (path === link) throw new StorageUnavailableError("403: denied");
    };

    const report = await verify(store.driver);

    expect(report).toMatchObject({
      complete: false,
      problemCount: 0,
      unchecked: [{ path: link, error: "403: denied" }],
    });
  });
});
