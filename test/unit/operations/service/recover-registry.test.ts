import { describe, expect, it } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import type { DutyState } from "../../../../src/operations/hold/is-due.ts";
import { type RecoverOptions, recoverRegistry } from "../../../../src/operations/service/recover-registry.ts";
import { recoverUnit } from "../../../../src/operations/service/recover-unit.ts";
import type { KeptDuty } from "../../../../src/state/duties.ts";

function kept(id: string): KeptDuty {
  return {
    file: `/state/duties/${id}`,
    duty: {
      ...{ schemaVersion: 1, id, reason: "garbage-collect --mode offline", by: "alice", store: "/srv/r" },
      madeAt: "2026-03-01T11:00:00.000Z",
      place: { cwd: "/", envFrom: [], addresses: [] },
      undo: { kind: "stop", service: "systemd:r.service" },
    },
  };
}

async function recover(
  states: Readonly<Record<string, DutyState>>,
  options: Partial<RecoverOptions> = {},
  end: (duty: KeptDuty) => Promise<string | undefined> = async () => "the registry runs again",
) {
  const ended: string[] = [];
  const report = await recoverRegistry(
    {
      duties: Object.keys(states).map(kept),
      stateOf: ({ duty }) => states[duty.id] ?? "kept",
      end: (duty) => {
        ended.push(duty.duty.id);
        return end(duty);
      },
      signal: new AbortController().signal,
    },
    { dryRun: false, force: false, ...options },
  );
  return { report, ended };
}

describe("recoverRegistry", () => {
  it("undoes what is due, and nothing else", async () => {
    const { report, ended } = await recover({ a: "due", b: "running", c: "kept", d: "unknown" });
    expect(ended).toEqual(["a"]);
    expect(report.duties.map(({ outcome }) => outcome)).toEqual(["undone", "kept", "kept", "unknown"]);
    expect(report.duties[0]).toMatchObject({
      what: "the registry was stopped",
      message: "the registry runs again",
    });
    expect(report.failures).toBe(0);
  });

  it("undoes what nobody can tell of only when told to", async () => {
    const { ended } = await recover({ b: "running", d: "unknown" }, { force: true });
    expect(ended).toEqual(["d"]);
  });

  it("undoes nothing in a dry run", async () => {
    const { report, ended } = await recover({ a: "due" }, { dryRun: true });
    expect(ended).toEqual([]);
    expect(report.duties[0]?.outcome).toBe("would be undone");
  });

  it("goes on after a failure, and counts it", async () => {
    const { report, ended } = await recover({ a: "due", b: "due" }, {}, async ({ duty }) => {
      if (duty.id === "a") throw new Error("unit not found");
      return undefined;
    });
    expect(ended).toEqual(["a", "b"]);
    expect(report.failures).toBe(1);
    expect(report.duties.map(({ message }) => message)).toEqual([
      "unit not found",
      "somebody else has undone it meanwhile",
    ]);
  });

  it("stops at Ctrl-C", async () => {
    await expect(
      recover({ a: "due" }, {}, () => Promise.reject(new CancelledError("stopped by SIGINT"))),
    ).rejects.toBeInstanceOf(CancelledError);
  });
});

describe("recoverUnit", () => {
  it("names program and state folder by whole paths, and quotes them for systemd", () => {
    const unit = recoverUnit({
      program: ["/usr/bin/node", "/opt/a b/registry-ctl.js"],
      stateDir: "/var/100%",
    });
    expect(unit).toContain(
      'ExecStart=/usr/bin/node "/opt/a b/registry-ctl.js" recover --state-dir /var/100%%\n',
    );
    expect(unit).toContain("WantedBy=multi-user.target\n");
  });
});
