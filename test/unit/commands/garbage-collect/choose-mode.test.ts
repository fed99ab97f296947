import { describe, expect, it } from "vitest";
import { chooseMode, refuseFlags } from "../../../../src/commands/garbage-collect/choose-mode.ts";
import {
  type GarbageFlags,
  optionsOf,
  readFlags,
} from "../../../../src/commands/garbage-collect/garbage-flags.ts";
import { renderOnline } from "../../../../src/commands/garbage-collect/render-mode.ts";
import { openControlClient } from "../../../../src/control/control-client.ts";
import type { Control } from "../../../../src/control/protocol.ts";

const SERVER: Control = openControlClient("/nowhere");
const HOUR_MS = 3_600_000;

function flags(more: Partial<GarbageFlags>): GarbageFlags {
  return { grace: HOUR_MS, ...more };
}

describe("chooseMode", () => {
  it("is online beside our server, and leaves any other registry as it is", () => {
    expect(chooseMode(flags({}), SERVER)).toBe("online");
    expect(chooseMode(flags({}), undefined)).toBeUndefined();
    expect(chooseMode(flags({ mode: "offline" }), SERVER)).toBe("offline");
    expect(chooseMode(flags({ mode: "read-only" }), undefined)).toBe("read-only");
  });

  it("leaves it to the driver to refuse where nothing may be written", () => {
    expect(chooseMode(flags({ readOnlyStore: true }), SERVER)).toBeUndefined();
  });

  it("refuses to be online without a server of ours", () => {
    expect(() => chooseMode(flags({ mode: "online" }), undefined)).toThrow("none was found");
  });
});

describe("refuseFlags", () => {
  it.each([
    [{ mode: "read-only", force: true } as const, "--force is of no use with --mode read-only"],
    [{ mode: "online", readOnlyStore: true } as const, "--read-only-store removes nothing"],
    [{ timeout: 1000 } as const, "--timeout is for"],
    [{ timeout: 1000, mode: "online" } as const, "--timeout is for"],
  ])("refuses %j", (given, message) => {
    expect(() => refuseFlags(flags(given))).toThrow(message);
  });

  it("takes what goes together", () => {
    refuseFlags(flags({ mode: "online", readOnlyStore: true, dryRun: true }));
    refuseFlags(flags({ force: true }));
    refuseFlags(flags({ mode: "offline", timeout: 1000 }));
  });
});

describe("optionsOf", () => {
  it("says all that a collector needs to know of a request", () => {
    const nowMs = new Date(2026, 0, 5, 8).getTime();
    const request = readFlags(
      flags({
        ...{ grace: 0, deleteManifests: true, untaggedFor: 7 * 24 * HOUR_MS, maxDelete: 30, maxOps: 2.5 },
        ...{
          concurrency: 3,
          until: { hour: 9, minute: 0 },
          verify: true,
          allowEmpty: true,
          skipIfLocked: true,
        },
      }),
      nowMs,
    );
    expect(optionsOf(request)).toEqual([
      ...["--delete-untagged", "--verify", "--allow-empty", "--skip-if-locked", "--grace", "0ms"],
      ...["--untagged-for", "604800000ms", "--max-delete", "30", "--max-ops", "2.5", "--concurrency", "3"],
      ...["--until-ms", `${nowMs + HOUR_MS}`],
    ]);
    expect(optionsOf(readFlags(flags({}), nowMs))).toEqual(["--grace", "3600000ms"]);
  });
});

describe("renderOnline", () => {
  const status = {
    ...{ schemaVersion: 1 as const, version: "1", pid: 7, settingsDigest: "", configuredAt: "", store: "" },
    ...{ address: "", readOnly: { on: false, byConfiguration: false }, workers: [], uploadsInFlight: 0 },
    ...{
      requestsInFlight: 0,
      logLevel: "info" as const,
      problems: [],
      startedAt: "2026-03-01T11:55:00.000Z",
    },
  };
  const nowMs = Date.parse("2026-03-01T12:00:00Z");

  it("says what is not freed, and what a young server does not know", () => {
    const lines = renderOnline(status, 24 * HOUR_MS, nowMs).split("\n");
    expect(lines[0]).toBe("mode: online: the server (process 7) goes on taking pushes and pulls");
    expect(lines[1]).toMatch(
      /^not freed: what clients have pushed, pulled or asked for within .*gc.reviewafter/,
    );
    expect(lines[2]).toMatch(/^the server has run for 5 min only/);
    expect(renderOnline(status, 60_000, nowMs).split("\n")).toHaveLength(2);
    expect(renderOnline(status, 0, nowMs).split("\n")).toHaveLength(1);
  });
});
