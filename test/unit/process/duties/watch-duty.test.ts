import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { endDutyAt } from "../../../../src/process/duties/watch-duty.ts";
import { Duties, type KeptDuty } from "../../../../src/state/duties.ts";

const UNTIL_MS = Date.parse("2100-01-02T03:04:05.678Z");
let folder: string;
let kept: KeptDuty;
const path = process.env["PATH"];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-watch-"));
  process.env["PATH"] = `${folder}:${path}`;
  const duties = new Duties({
    stateDir: folder,
    user: { uid: process.getuid?.() ?? 0, home: folder, env: {} },
  });
  const place = { cwd: "/", envFrom: [], addresses: [] };
  const undo = { kind: "nodes", request: "1" } as const;
  const madeAt = "2100-01-02T01:00:00Z";
  kept = duties.add({ reason: "readonly on", by: "root", store: "s", madeAt, place, undo });
});
afterEach(() => {
  process.env["PATH"] = path;
  // Whoever waits for its time finds nothing to do.
  rmSync(folder, { recursive: true, force: true });
});

function fakeSystemdRun(exitCode: number): void {
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" >'${folder}/arguments'\nexit ${exitCode}\n`;
  writeFileSync(join(folder, "systemd-run"), script, { mode: 0o755 });
}

describe("endDutyAt", () => {
  it("asks systemd for a timer that restores what the duty names", async () => {
    fakeSystemdRun(0);
    expect(await endDutyAt(kept, UNTIL_MS, { bySystemd: true })).toBe("a timer of systemd");
    const words = readFileSync(join(folder, "arguments"), "utf8").split("\n");
    expect(words).toContain("--on-calendar=2100-01-02 03:04:05 UTC");
    expect(words).toContain(`--unit=registry-ctl-${kept.duty.id}`);
    const command = words.slice(words.indexOf("--") + 1, -1);
    expect(command.slice(2)).toEqual(["--json", "--state-dir", folder, "readonly", "restore", kept.file]);
  });

  it("starts a process where systemd refuses, or was not meant", async () => {
    fakeSystemdRun(1);
    expect(await endDutyAt(kept, UNTIL_MS, { bySystemd: true })).toBe("a process in the background");
    rmSync(join(folder, "arguments"));
    expect(await endDutyAt(kept, UNTIL_MS, { bySystemd: false })).toBe("a process in the background");
    expect(() => readFileSync(join(folder, "arguments"))).toThrow();
  });
});
