import { beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../../../src/errors.ts";
import type { RunsReport } from "../../../../src/operations/runs/look-at-runs.ts";
import { type LookAtRegistry, lookAtRegistry } from "../../../../src/operations/service/look-at-registry.ts";
import { FakeControl, FakeRegistryHost, FakeService, statusOf } from "../../../support/fake-registry-host.ts";

let host: FakeRegistryHost;
let control: FakeControl;

beforeEach(() => {
  host = new FakeRegistryHost();
  control = new FakeControl();
});

const IDLE: RunsReport = {
  ...{ schemaVersion: 1, command: "garbage-collect status", state: "idle" },
  ...{ degraded: false, reasons: [], problems: [] },
};
const DISK = {
  ...{ use: "store" as const, path: "/srv/r" },
  ...{ freeBytes: 500, totalBytes: 1000, freeInodes: 500, totalInodes: 1000 },
};

function look(more: Partial<LookAtRegistry> = {}) {
  return lookAtRegistry({
    host,
    config: { file: "/etc/r.yml", changedAt: "2026-03-01T10:00:00.000Z" },
    store: "/srv/r",
    applied: () => undefined,
    probeWrites: async () => ({ kind: "nobody" }),
    disks: async () => [DISK],
    duties: () => [],
    inStore: async () => ({ collections: IDLE, nodes: [] }),
    ...more,
  });
}

function serve(): void {
  host.control = control;
  host.probed = { kind: "works" };
}

describe("lookAtRegistry", () => {
  it("tells all of our server that is well", async () => {
    serve();
    const report = await look();
    expect(report).toMatchObject({
      state: "running",
      reasons: [],
      problems: [],
      readOnly: { on: false, by: "socket" },
    });
    expect(report.server).toMatchObject({ pid: 12, uploadsInFlight: 1, address: "http://127.0.0.1:5000" });
    expect(report.drift).toEqual({ keys: [], lines: [] });
  });

  it("says that something may be left half done where what is written of it is damaged", async () => {
    serve();
    const duties = (onProblem: (problem: string) => void) => {
      onProblem("/state/1.duty.json cannot be understood");
      return [];
    };
    const { state, reasons } = await look({ duties });
    expect(state).toBe("degraded");
    expect(reasons).toEqual([expect.stringContaining("/state/1.duty.json cannot be understood")]);
  });

  it("says that nothing runs, and what is wrong nevertheless", async () => {
    const duty = {
      id: "1",
      what: "it was stopped",
      reason: "gc",
      by: "root",
      madeAt: "2026-03-01",
      isDue: true,
    };
    const report = await look({ duties: () => [duty] });
    expect(report).toMatchObject({ state: "stopped", readOnly: { on: null, by: "nothing" } });
    expect(report.reasons).toEqual([expect.stringContaining("registry-ctl recover")]);
  });

  it.each<[string, () => Partial<LookAtRegistry>, string]>([
    [
      "a worker is not there",
      () => {
        control.now = statusOf({ workers: [] });
        return {};
      },
      "not all workers listen",
    ],
    [
      "the server has problems",
      () => {
        control.now = statusOf({ problems: ["no lock"] });
        return {};
      },
      "no lock",
    ],
    [
      "its address does not answer",
      () => {
        host.probed = { kind: "nobody" };
        return {};
      },
      "nothing listens",
    ],
    [
      "its address answers otherwise",
      () => {
        host.probed = { kind: "other", answer: "503" };
        return {};
      },
      "answers 503",
    ],
    [
      "another works on its store",
      () => {
        host.foreign = [{ pid: 9 }];
        return {};
      },
      "works on the same store",
    ],
    [
      "a disk is full",
      () => ({ disks: async () => [{ ...DISK, freeBytes: 9 }] }),
      "disk of the store is full",
    ],
    ["inodes are used up", () => ({ disks: async () => [{ ...DISK, freeInodes: 9 }] }), "no inodes"],
    [
      "collections fail",
      () => ({
        inStore: async () => ({ collections: { ...IDLE, reasons: ["the last run failed"] }, nodes: [] }),
      }),
      "garbage collection: the last run failed",
    ],
  ])("is degraded where %s", async (_, change, reason) => {
    serve();
    const report = await look(change());
    expect(report.state).toBe("degraded");
    expect(report.reasons.join()).toContain(reason);
  });

  it("does not judge inodes where they are not counted", async () => {
    serve();
    expect(await look({ disks: async () => [{ ...DISK, freeInodes: 0, totalInodes: 0 }] })).toMatchObject({
      state: "running",
    });
  });

  it("is degraded where the server hangs", async () => {
    serve();
    control.fails = new Error("no answer within 15 s");
    const report = await look();
    expect(report).toMatchObject({ state: "degraded", readOnly: { on: null } });
    expect(report.reasons[0]).toContain("does not answer on its control socket");
  });

  it("asks another registry itself whether it takes writes", async () => {
    host.foreign = [{ pid: 9, program: "/usr/bin/docker-registry", startedAt: "2026-03-01T11:00:00.000Z" }];
    host.probed = { kind: "works" };
    const readOnly = await look({ probeWrites: async () => ({ kind: "read-only" }) });
    expect(readOnly).toMatchObject({
      state: "running",
      readOnly: { on: true, by: "probe" },
      drift: { lines: [] },
    });
    const probeWrites = async () => ({ kind: "other" as const, answer: "400", takesWrites: true as const });
    expect(await look({ probeWrites })).toMatchObject({ readOnly: { on: false, by: "probe" } });
    const denied = await look({ probeWrites: async () => ({ kind: "other", answer: "401" }) });
    expect(denied).toMatchObject({ readOnly: { on: null, by: "nothing" } });
  });

  it("tells of a file that was changed after another registry was started", async () => {
    host.foreign = [{ pid: 9, startedAt: "2026-03-01T09:00:00.000Z" }];
    host.probed = { kind: "works" };
    expect((await look()).drift.lines).toEqual([expect.stringContaining("after process 9 was started")]);
  });

  it("counts a service that runs as running", async () => {
    host.service = new FakeService();
    host.service.running = true;
    host.probed = { kind: "works" };
    expect(await look()).toMatchObject({ state: "running", service: { isRunning: true, pid: 77 } });
    host.service.running = undefined;
    expect(await look()).toMatchObject({ state: "stopped", service: { isRunning: null } });
  });

  it("tells of all that differs, which is no fault", async () => {
    serve();
    control.changed = [{ key: "log.level", from: "info", to: "warn", applies: "live" }];
    const applied = { settingsDigest: "d0", appliedAt: "2026-03-01T11:30:00.000Z", command: "reload" };
    const { state, drift } = await look({ applied: () => applied });
    expect(state).toBe("running");
    expect(drift.keys).toEqual(control.changed);
    expect(drift.lines).toEqual([
      'log.level is info in the server and warn in the file; "registry-ctl reload" applies it',
      'the server uses other settings than "registry-ctl reload" applied at 2026-03-01T11:30:00Z',
    ]);
  });

  it("is degraded where the file is not valid any more", async () => {
    serve();
    control.previewReload = () => Promise.reject(new ConfigError("r.yml:3:1: htpp is not known"));
    const { state, drift } = await look();
    expect(state).toBe("degraded");
    expect(drift.lines).toEqual(["the file is not valid: r.yml:3:1: htpp is not known"]);
  });

  it("tells the rest where something cannot be found out", async () => {
    serve();
    const failing = () => Promise.reject(new Error("EIO"));
    const report = await look({ disks: failing, inStore: failing });
    expect(report.state).toBe("running");
    expect(report.problems).toEqual([
      "the room on the disks cannot be told: EIO",
      "the store cannot be asked: EIO",
    ]);
  });
});
