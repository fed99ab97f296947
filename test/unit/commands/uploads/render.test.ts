import { describe, expect, it } from "vitest";
import { renderPurge, renderPurgeProgress, renderUploads } from "../../../../src/commands/uploads/render.ts";
import type { PurgeReport, ReportedUpload } from "../../../../src/operations/uploads/purge-report.ts";

const UPLOAD: ReportedUpload = {
  repository: "team/app",
  upload: "0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a91",
  path: "/docker/registry/v2/repositories/team/app/_uploads/0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a91",
  startedAt: "missing",
  lastWrittenAt: "2026-01-02T03:04:05.000Z",
  bytes: 2048,
};
const PARTS: ReportedUpload = {
  path: "/docker/registry/v2/blobs/sha256/ab/abcd/data",
  lastWrittenAt: "2026-01-02T03:04:05.000Z",
  bytes: 5,
};
const REPORT: PurgeReport = {
  schemaVersion: 1,
  command: "uploads purge",
  dryRun: false,
  startedAt: "2026-02-01T00:00:00.000Z",
  olderThanSeconds: 604_800,
  found: 2,
  kept: 1,
  purged: [UPLOAD, PARTS],
  purgedBytes: 2053,
  warnings: [],
  failed: [],
  failures: 0,
  seconds: 1.25,
};

describe("the report of a purge", () => {
  it("has a line for each upload, and the amounts last", () => {
    expect(renderPurge(REPORT).split("\n")).toEqual([
      "REPOSITORY                                     UPLOAD                                STARTED  LAST WRITTEN                 SIZE",
      "team/app                                       0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a91  missing  2026-01-02T03:04:05.000Z  2.0 KiB",
      "/docker/registry/v2/blobs/sha256/ab/abcd/data  parts without an upload                        2026-01-02T03:04:05.000Z      5 B",
      "",
      "kept: 1 upload, younger or in use",
      "deleted: 2 uploads (2.0 KiB) in 1.3 s",
    ]);
  });

  it("has the same lines in a dry run, which says that it was one", () => {
    const [done, planned] = [REPORT, { ...REPORT, dryRun: true }].map((report) =>
      renderPurge(report).split("\n"),
    );
    expect(planned?.slice(0, 5)).toEqual(done?.slice(0, 5));
    expect(planned?.slice(5)).toEqual(["would delete: 2 uploads (2.0 KiB)", "nothing was changed (dry run)"]);
  });

  it("has one line for a name that would be several", () => {
    const odd = { ...PARTS, path: "/docker\ndeleted: 9 uploads\u001b[2J" };
    const lines = renderPurge({ ...REPORT, purged: [odd, PARTS] }).split("\n");
    expect(lines).toHaveLength(6);
    expect(lines[1]).toBe(
      "/docker?deleted: 9 uploads?[2J                 parts without an upload           2026-01-02T03:04:05.000Z   5 B",
    );
    const strays = { count: 1, first: ["/a\n/b"] };
    const empty = { uploads: [], bytes: 0, failed: [] };
    expect(renderUploads({ schemaVersion: 1, command: "uploads list", ...empty, strays })).toContain(
      "such as /a?/b\n",
    );
  });

  it("is empty where nothing was looked at", () => {
    const { found: _, ...locked } = REPORT;
    expect(renderPurge({ ...locked, purged: [] })).toBe("");
  });

  it("is made at once for very many", () => {
    const purged = Array.from({ length: 100_000 }, () => UPLOAD);
    expect(renderPurge({ ...REPORT, purged }).split("\n")).toHaveLength(100_000 + 4);
  });
});

describe("the list of uploads", () => {
  it("tells of what is none", () => {
    const strays = { count: 2, first: ["/x", "/y"] };
    const list = {
      schemaVersion: 1,
      command: "uploads list",
      uploads: [],
      bytes: 0,
      strays,
      failed: [],
    } as const;
    expect(renderUploads({ ...list, uploads: [], failed: [] })).toBe(
      "2 things among uploads are none, such as /x, /y\n0 uploads, 0 B",
    );
  });
});

describe("the progress of a purge", () => {
  it("counts what is found, and then what is done of it", () => {
    expect(renderPurgeProgress({ phase: "looking", found: 3 })).toBe("looking for uploads: 3; safe to stop");
    expect(renderPurgeProgress({ phase: "removing", done: 1, total: 2 })).toBe(
      "looking at old uploads: 1 of 2; safe to stop",
    );
  });
});
