import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandJournal } from "../../../src/state/command-journal.ts";
import { type CommandRecord, parseCommandRecord } from "../../../src/state/command-record.ts";

let folder: string;
let problems: unknown[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-journal-"));
  problems = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function journal(): CommandJournal {
  return new CommandJournal({
    folder,
    command: {
      command: "users add",
      arguments: ["users", "add", "bob"],
      actor: { uid: 0, user: "root", sudoUser: "alice" },
      host: "node1",
      pid: 12,
    },
    onProblem: (error) => void problems.push(error),
    nowMs: () => Date.UTC(2026, 0, 2),
  });
}

function records(): (CommandRecord | undefined)[] {
  const text = readFileSync(join(folder, "journal.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => parseCommandRecord(JSON.parse(line)));
}

describe("CommandJournal", () => {
  it("says who does what before it is done, and how it ended", () => {
    const command = journal();
    command.note({ target: "/etc/htpasswd" });
    const [begin] = records();
    expect(begin).toEqual({
      schemaVersion: 1,
      type: "begin",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      time: "2026-01-02T00:00:00.000Z",
      command: "users add",
      arguments: ["users", "add", "bob"],
      actor: { uid: 0, user: "root", sudoUser: "alice" },
      host: "node1",
      pid: 12,
      target: "/etc/htpasswd",
    });
    command.note({ after: "user bob" });
    expect(records()).toHaveLength(1);
    command.end({ outcome: "failed", exitCode: 1, message: "no room" });
    expect(records()[1]).toEqual({
      schemaVersion: 1,
      type: "end",
      id: begin?.id,
      time: "2026-01-02T00:00:00.000Z",
      target: "/etc/htpasswd",
      after: "user bob",
      outcome: "failed",
      exitCode: 1,
      message: "no room",
    });
  });

  it("writes nothing of a command that changes nothing, and one end only", () => {
    journal().end({ outcome: "done", exitCode: 0 });
    expect(() => records()).toThrow();
    const command = journal();
    command.note({});
    command.end({ outcome: "done", exitCode: 0 });
    command.end({ outcome: "failed", exitCode: 1 });
    expect(records()).toHaveLength(2);
  });

  it("tells once that nothing can be written, and never fails", () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "in the way");
    const command = journal();
    command.note({});
    command.end({ outcome: "done", exitCode: 0 });
    expect(problems).toHaveLength(1);
  });
});

describe("parseCommandRecord", () => {
  it.each([
    null,
    {
      schemaVersion: 1,
      type: "begin",
      id: "x",
      time: "2026-01-02T00:00:00Z",
      command: "x",
      host: "h",
      pid: 1,
    },
    { schemaVersion: 1, type: "end", id: "x", time: "2026-01-02T00:00:00Z", outcome: "odd", exitCode: 0 },
    { schemaVersion: 1, type: "other", id: "x", time: "2026-01-02T00:00:00Z" },
  ])("takes %j for no record", (json) => expect(parseCommandRecord(json)).toBeUndefined());
});
