import { describe, expect, it } from "vitest";
import { renderStatus } from "../../../../src/commands/garbage-collect/render-status.ts";
import { renderStop } from "../../../../src/commands/garbage-collect/stop.ts";
import type { RunsReport } from "../../../../src/operations/runs/look-at-runs.ts";
import type { RunResult, RunStatus } from "../../../../src/state/run-record.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const IDENTITY = { id: "1", host: "vault", bootId: "b", pidNamespace: "n", pid: 7, options: {} };
const DELETED = { blobs: 2, bytes: 2048, manifests: 1, layerLinks: 0, tagHistoryLinks: 3 };

describe("renderStatus", () => {
  it("shows a run with its progress and how to stop it", () => {
    expect(renderStatus(reportOf({ state: "running", run: runOf(NOW - 1000) }), NOW, "/etc/a.yml")).toBe(
      [
        "state:      running",
        "run:        process 7 on vault, since 2026-03-01T10:55:00Z (1 h 5 min at the last change)",
        "config:     /etc/registry/config.yml",
        "progress:   deleting blobs: 600 of 1000 (60%), 100/s, about 4 s left; safe to stop",
        "last run:   none is known",
        "to stop it: registry-ctl garbage-collect stop /etc/a.yml",
      ].join("\n"),
    );
  });

  it("shows what a server says of a run that cannot be seen", () => {
    const server = {
      id: "1",
      startedAt: "2026-03-01T11:00:00.000Z",
      phase: "deleting",
      progress: "deleting: half",
    };
    expect(renderStatus(reportOf({ state: "running", server }), NOW).split("\n")).toEqual([
      "state:      running",
      "run:        of the server, since 2026-03-01T11:00:00Z",
      "progress:   deleting: half",
      "last run:   none is known",
      "to stop it: registry-ctl garbage-collect stop",
    ]);
  });

  it("says when a run has not moved for long, and nothing odd when the clock was set back", () => {
    const silent = renderStatus(reportOf({ state: "running", run: runOf(NOW - 300_000) }), NOW);
    expect(silent).toMatch(/^silent for: 5 min: nothing has moved since$/m);
    const ahead = renderStatus(reportOf({ state: "running", run: runOf(NOW + 300_000) }), NOW);
    expect(ahead).not.toContain("silent");
  });

  it("names who holds the lock where the run itself cannot be seen", () => {
    const lock = {
      host: "other",
      pid: 8,
      startedAt: "2026-03-01T11:00:00.000Z",
      leaseUntil: "2026-03-01T12:09:00.000Z",
    };
    expect(renderStatus(reportOf({ state: "running", lock: { ...lock, isHeld: true } }), NOW)).toMatch(
      /^lock: +held by process 8 on other, since 2026-03-01T11:00:00Z, at the least until 2026-03-01T12:09:00Z$/m,
    );
    expect(renderStatus(reportOf({ lock: { ...lock, isHeld: false } }), NOW)).toContain(
      "left behind by process 8",
    );
  });

  it("does not let a name command the terminal or pass for a line", () => {
    const host = "vault\u001b[2J\u009b1m\u202e\nlast run: 2026-03-01 done";
    const last = resultOf({ outcome: "failed", message: host });
    const run = { ...runOf(NOW), host };
    const shown = [
      renderStatus(reportOf({ state: "running", run, last }), NOW),
      renderStop({
        schemaVersion: 1,
        command: "garbage-collect stop",
        outcome: "stopped",
        run: { host, pid: 7, startedAt: "2026-03-01T11:00:00Z" },
        result: last,
      }),
    ];
    for (const text of shown) {
      expect(text).toContain("vault?[2J?1m??last run");
      expect(text).not.toMatch(/^last run: 2026-03-01 done/m);
    }
  });

  it("shows the last run and, if it is another one, the last success", () => {
    const last = resultOf({ id: "2", outcome: "failed", exitCode: 12, message: "no repository" });
    const text = renderStatus(
      reportOf({
        degraded: true,
        reasons: ["the last run failed"],
        last,
        lastSuccess: resultOf({ deleted: DELETED }),
      }),
      NOW,
    );
    expect(text).toBe(
      [
        "state:        not running, degraded",
        "last run:     2026-03-01T10:00:00Z failed, exit code 12 after 1 min 30 s; no repository",
        "last success: 2026-03-01T10:00:00Z done after 1 min 30 s; deleted 2 blobs (2.0 KiB), 1 manifest, 0 layer links, 3 tag-history links",
        "degraded:     the last run failed",
      ].join("\n"),
    );
  });

  it("does not say that there was no run where it could not look", () => {
    const text = renderStatus(reportOf({ problems: ["the state in /x cannot be read: EACCES"] }), NOW);
    expect(text).toBe("state: not running");
  });
});

describe("renderStop", () => {
  it("says what was stopped and what it had done", () => {
    expect(
      renderStop({
        schemaVersion: 1,
        command: "garbage-collect stop",
        outcome: "stopped",
        by: "request",
        run: { host: "vault", pid: 7, startedAt: "2026-03-01T10:00:00.000Z" },
        result: resultOf({ outcome: "stopped", message: "it was asked to stop in the phase: blobs" }),
      }),
    ).toBe(
      [
        "stopped: process 7 on vault has ended",
        "its run: 2026-03-01T10:00:00Z stopped after 1 min 30 s; it was asked to stop in the phase: blobs",
      ].join("\n"),
    );
  });
});

function reportOf(changes: Partial<RunsReport>): RunsReport {
  return {
    schemaVersion: 1,
    command: "garbage-collect status",
    state: "idle",
    degraded: false,
    reasons: [],
    problems: [],
    ...changes,
  };
}

function runOf(updatedMs: number): RunStatus {
  return {
    schemaVersion: 1,
    ...IDENTITY,
    startedAt: "2026-03-01T10:55:00.000Z",
    config: "/etc/registry/config.yml",
    progress: {
      phase: "deleting blobs",
      done: 600,
      total: 1000,
      totalIsEstimate: false,
      percent: 60,
      ratePerSecond: 100,
      etaSeconds: 4,
    },
    safeToStop: true,
    seconds: 3900,
    updatedAt: new Date(updatedMs).toISOString(),
  };
}

function resultOf(changes: Partial<RunResult>): RunResult {
  return {
    schemaVersion: 1,
    ...IDENTITY,
    startedAt: "2026-03-01T10:00:00.000Z",
    outcome: "done",
    exitCode: 0,
    endedAt: "2026-03-01T10:01:30.000Z",
    seconds: 90,
    ...changes,
  };
}
