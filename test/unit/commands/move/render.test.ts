import { expect, it } from "vitest";
import { renderMove } from "../../../../src/commands/move/render.ts";
import type { MoveReport } from "../../../../src/operations/move/move-report.ts";

it.each([
  [1, "left under the old name: 1 unfinished upload"],
  [2, "left under the old name: 2 unfinished uploads"],
])("tells of %i uploads that stay", (uploads, line) => {
  const report: MoveReport = {
    ...{ schemaVersion: 1, command: "move", kind: "move", dryRun: true, startedAt: "", old: "a", new: "x" },
    ...{ project: false, resumed: false, repositories: [], conflicts: [], warnings: [], seconds: 0, uploads },
    amounts: { repositories: 0, tags: 0, manifests: 0, blobs: 0, historyLinks: 0 },
  };
  expect(renderMove(report).split("\n")).toContain(line);
});
