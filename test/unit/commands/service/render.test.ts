import { describe, expect, it } from "vitest";
import { renderRecover } from "../../../../src/commands/recover/render.ts";
import { renderReload } from "../../../../src/commands/reload/render.ts";
import { renderRestart } from "../../../../src/commands/restart/run.ts";
import { renderStart } from "../../../../src/commands/start/render.ts";
import { renderReadOnly, renderStatus } from "../../../../src/commands/status/render.ts";
import { renderStop } from "../../../../src/commands/stop/run.ts";
import type { StatusReport } from "../../../../src/operations/service/status-report.ts";
import { statusOf } from "../../../support/fake-registry-host.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

function report(more: Partial<StatusReport> = {}): StatusReport {
  const { pid, version, startedAt, configuredAt, address, workers, uploadsInFlight, requestsInFlight } =
    statusOf();
  return {
    ...{ schemaVersion: 1, command: "status", state: "running", reasons: [], others: [] },
    server: {
      ...{ pid, version, startedAt, configuredAt, address, workers, uploadsInFlight, requestsInFlight },
      logLevel: "info",
    },
    config: { file: "/etc/r.yml", changedAt: "2026-03-01T10:00:00.000Z" },
    store: "/srv/r",
    readOnly: { on: false, byConfiguration: false, by: "socket" },
    drift: { keys: [], lines: [] },
    disks: [
      {
        use: "store",
        path: "/srv/r",
        freeBytes: 2 ** 30,
        totalBytes: 2 ** 32,
        freeInodes: 5,
        totalInodes: 10,
      },
    ],
    ...{ duties: [], nodes: [], problems: [] },
    ...more,
  };
}

describe("renderStatus", () => {
  it("shows what a server that is well is made of", () => {
    expect(renderStatus(report(), NOW)).toBe(
      [
        "state:      running",
        "server:     process 12, version 0.1.0, since 2026-03-01T11:00:00Z (1 h)",
        "address:    http://127.0.0.1:5000",
        "workers:    13 listening, 14 listening",
        "under way:  1 requests, 1 uploads",
        "log level:  info",
        "config:     /etc/r.yml, changed 2026-03-01T10:00:00Z, read 2026-03-01T11:00:00Z",
        "store:      /srv/r",
        "read-only:  no",
        "store disk: 1.0 GiB of 4.0 GiB free, 5 of 10 inodes (/srv/r)",
        "drift:      none is known",
      ].join("\n"),
    );
  });

  it("puts what is wrong first", () => {
    const shown = renderStatus(report({ state: "degraded", reasons: ["a disk is full"] }), NOW);
    expect(shown).toMatch(/^state: +running, degraded\ndegraded: +a disk is full\n/);
  });

  it("shows services, others, nodes, and what was changed for a time", () => {
    const shown = renderStatus(
      report({
        others: [{ pid: 9, program: "/usr/bin/docker-registry", manager: "systemd:r.service" }],
        service: { spec: "systemd:r.service", description: "systemd unit r.service", isRunning: null },
        nodes: [{ host: "b", pid: 8, address: "http://b:5000", version: "0.1.0" }],
        duties: [
          {
            ...{
              id: "1",
              what: "the registry was stopped",
              reason: "gc",
              by: "ann",
              madeAt: "2026-03-01T11:00:00Z",
            },
            isDue: true,
          },
        ],
      }),
      NOW,
    );
    expect(shown).toMatch(/^registry: +process 9, \/usr\/bin\/docker-registry, run by systemd:r\.service$/m);
    expect(shown).toMatch(/^service: +systemd unit r\.service: state unknown$/m);
    expect(shown).toMatch(/^node: +process 8 on b, at http:\/\/b:5000, version 0\.1\.0$/m);
    expect(shown).toMatch(/^left behind: +the registry was stopped by ann \(gc\)$/m);
  });

  it("lets no text of others pass for a line, or command the terminal", () => {
    const shown = renderStatus(report({ store: "/srv\nstate: fine\u001b[2J" }), NOW);
    expect(shown).toMatch(/^store: +\/srv\?state: fine\?\[2J$/m);
  });
});

describe("renderReadOnly", () => {
  it.each<[Parameters<typeof renderReadOnly>[0], string]>([
    [{ on: null, by: "nothing" }, "unknown: it cannot be asked without signing in; give --key"],
    [{ on: false, by: "probe" }, "no: a write would be taken"],
    [{ on: true, by: "probe" }, "yes: a write was refused"],
    [{ on: true, by: "socket", byConfiguration: true }, "yes, by the configuration"],
    [
      {
        on: true,
        by: "socket",
        since: "2026-03-01T11:50:00Z",
        until: "2026-03-01T13:00:00Z",
        reason: "backup",
      },
      "yes, since 2026-03-01T11:50:00Z (10 min), until 2026-03-01T13:00:00Z (backup)",
    ],
  ])("shows %j", (readOnly, text) => {
    expect(renderReadOnly(readOnly, NOW)).toBe(text);
  });
});

describe("what start, stop and restart show", () => {
  const start = { schemaVersion: 1, command: "start" } as const;
  const restart = { schemaVersion: 1, command: "restart" } as const;
  const stop = { schemaVersion: 1, command: "stop" } as const;

  it("names process, address and log", () => {
    const background = {
      ...start,
      outcome: "started",
      by: "background",
      pid: 7,
      address: "http://h",
      log: "/l",
    } as const;
    expect(renderStart(background)).toBe("started: process 7 in the background at http://h\nlog:     /l");
    expect(renderStart({ ...start, outcome: "started", by: "service", service: "runit:r" })).toBe(
      "started: by runit:r",
    );
    expect(renderStart({ ...start, outcome: "running", service: "runit:r" })).toBe("runs already: runit:r");
    expect(renderStop({ ...stop, outcome: "stopped", by: "service", service: "runit:r" })).toBe(
      "stopped: the registry has ended (runit:r)",
    );
    expect(renderRestart({ ...restart, outcome: "replaced", by: "socket", pid: 7, workers: [8] })).toBe(
      "restarted: process 7 has 1 new worker (8); no request was dropped",
    );
    expect(
      renderRestart({ ...restart, outcome: "restarted", by: "service", service: "runit:r", pid: 7 }),
    ).toBe("restarted: process 7 by runit:r");
  });
});

describe("renderReload", () => {
  const base = { schemaVersion: 1, command: "reload", dryRun: false, pid: 7, settingsDigest: "d" } as const;

  it("says what takes effect only at a stop and start", () => {
    const changed = [{ key: "http.addr", from: ":5000", to: ":5001", applies: "restart" as const }];
    const shown = renderReload({ ...base, changed, replaced: true, pending: ["http.addr"] });
    expect(shown).toMatch(/^http\.addr +:5000 +:5001 +at a stop and start$/m);
    expect(shown).toContain("reloaded: process 7 has new workers; no request was dropped");
    expect(shown).toContain("only when the server is stopped and started: http.addr");
  });

  it("says so when nothing has changed", () => {
    const shown = renderReload({ ...base, changed: [], replaced: false, pending: [] });
    expect(shown).toBe("nothing has changed: process 7 uses what the configuration says");
  });
});

describe("renderRecover", () => {
  it("tells of each duty what became of it", () => {
    const duty = {
      ...{ id: "1", what: "the registry was stopped", store: "/srv/r", reason: "gc", by: "ann" },
      madeAt: "2026-03-01T11:00:00.000Z",
    };
    const base = { schemaVersion: 1, command: "recover", dryRun: false, failures: 0 } as const;
    const duties = [{ ...duty, outcome: "unknown" as const }];
    expect(renderRecover({ ...base, duties })).toBe(
      "unknown: it belongs to a process that cannot be seen from here; if that has ended, give --force\n" +
        "  the registry was stopped, for gc, by ann at 2026-03-01T11:00:00Z; store /srv/r",
    );
    expect(renderRecover({ ...base, duties: [] })).toBe("nothing was left half done");
  });
});
