import { describe, expect, it } from "vitest";
import { renderReport } from "../../../../src/commands/garbage-collect/render.ts";
import type { GarbageReport } from "../../../../src/operations/gc/garbage-report.ts";

const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };
const REPORT: GarbageReport = {
  schemaVersion: 1,
  command: "garbage-collect",
  dryRun: false,
  startedAt: "2026-01-01T00:00:00.000Z",
  marked: { blobs: 2, bytes: 2048 },
  eligible: NOTHING,
  deleted: { ...NOTHING, blobs: 1, bytes: 1024 },
  warnings: [],
  failed: [],
  seconds: 1.25,
  phaseSeconds: { plan: 1, sweep: 0.25, verify: 0 },
};
const noncurrent = { files: 3, bytes: 3072, isComplete: true };

describe("the last lines of a collection", () => {
  it("say nothing of what only object stores have where there is none of it", () => {
    expect(renderReport(REPORT)).toBe(
      "kept: 2 blobs, 2.0 KiB\ndeleted: 1 blob (1.0 KiB), 0 manifests, 0 layer links, 0 tag-history links in 1.3 s",
    );
  });

  it.each<[string, Partial<GarbageReport>, string]>([
    ["requests", { requests: { LIST: 2, "GET object": 40 } }, "requests: 42 (40 GET object, 2 LIST)"],
    [
      "a marker of a folder",
      { folderMarkers: { count: 1, first: ["docker/"] } },
      "not touched: 1 key that stands for folders, such as docker/",
    ],
    [
      "versions that a rule removes",
      { versions: { versioning: "on", expire: true, noncurrent } },
      "kept for a while: 3 versions, 3.0 KiB; a lifecycle rule of the bucket removes them",
    ],
    [
      "versions that it may not ask for",
      { versions: { versioning: "unknown", problem: "403" } },
      "whether the store keeps older versions is not known: 403",
    ],
  ])("tell of %s", (_, more, line) => {
    expect(
      renderReport({ ...REPORT, ...more })
        .split("\n")
        .slice(2),
    ).toEqual([line]);
  });
});
