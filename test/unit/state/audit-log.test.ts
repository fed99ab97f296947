import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AUDIT_FILE, AuditLog, type AuditLogOptions } from "../../../src/state/audit-log.ts";
import { type AuditRecord, parseAuditRecord } from "../../../src/state/audit-record.ts";
import { type LoggedLine, recordingLogger } from "../../support/recording-logger.ts";

let folder: string;
let logged: LoggedLine[];
let nowMs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-audit-"));
  logged = [];
  nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = (): string => join(folder, "audit");

function auditLog(options: Partial<AuditLogOptions> = {}): AuditLog {
  return new AuditLog({ folder: place(), logger: recordingLogger(logged), nowMs: () => nowMs, ...options });
}

function records(): (AuditRecord | undefined)[] {
  const text = readFileSync(join(place(), AUDIT_FILE), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => parseAuditRecord(JSON.parse(line)));
}

const deleted = (tag: string) => ({
  action: "tag-delete" as const,
  repository: "a/b",
  tag,
  before: "sha256:1",
});

describe("AuditLog", () => {
  it("has written a record when append returns", () => {
    const audit = auditLog();
    audit.append({ ...deleted("v1"), actor: "alice", address: "10.0.0.1" });
    expect(records()).toEqual([
      {
        schemaVersion: 1,
        time: "2026-01-02T03:04:05.000Z",
        action: "tag-delete",
        repository: "a/b",
        tag: "v1",
        before: "sha256:1",
        actor: "alice",
        address: "10.0.0.1",
      },
    ]);
    audit.close();
  });

  it("lets several processes append to one file", () => {
    const [one, other] = [auditLog(), auditLog()];
    one.append(deleted("v1"));
    other.append(deleted("v2"));
    one.append(deleted("v3"));
    expect(records().map((record) => record?.tag)).toEqual(["v1", "v2", "v3"]);
  });

  it("says once that nothing can be written, and writes what waits when it can", () => {
    writeFileSync(place(), "in the way of the folder");
    const audit = auditLog();
    for (const tag of ["v1", "v2", "v3"]) {
      audit.append(deleted(tag));
      nowMs += 2_000;
    }
    expect(logged.map(({ level, message }) => [level, message])).toEqual([
      ["error", "the audit cannot be written: records wait until it can"],
    ]);
    rmSync(place());
    audit.append(deleted("v4"));
    expect(records().map((record) => record?.tag)).toEqual(["v1", "v2", "v3", "v4"]);
    expect(logged.at(-1)).toMatchObject({ level: "info", fields: { lost: 0 } });
    audit.close();
    expect(logged).toHaveLength(2);
  });

  it("does not try at each request while nothing can be written", () => {
    writeFileSync(place(), "in the way of the folder");
    const audit = auditLog();
    audit.append(deleted("v1"));
    rmSync(place());
    nowMs += 500;
    audit.append(deleted("v2"));
    expect(() => records()).toThrow();
    nowMs += 500;
    audit.append(deleted("v3"));
    expect(records()).toHaveLength(3);
  });

  it("counts what finds no room in memory either, and tells of it in the file", () => {
    writeFileSync(place(), "in the way of the folder");
    const audit = auditLog({ maxWaiting: 2 });
    for (const tag of ["v1", "v2", "v3", "v4"]) audit.append(deleted(tag));
    rmSync(place());
    nowMs += 1_000;
    audit.append(deleted("v5"));
    expect(records().map((record) => record?.tag ?? record?.count)).toEqual(["v1", "v2", 3]);
    audit.close();
  });

  it("tells at the end what is lost for good", () => {
    mkdirSync(join(place(), AUDIT_FILE), { recursive: true });
    const audit = auditLog();
    audit.append(deleted("v1"));
    audit.close();
    expect(logged.at(-1)).toMatchObject({ level: "error", fields: { records: 1 } });
  });
});

describe("parseAuditRecord", () => {
  it.each([undefined, null, [], "x", {}, { schemaVersion: 2 }, { schemaVersion: 1, time: "x" }])(
    "takes %j for no record",
    (json) => expect(parseAuditRecord(json)).toBeUndefined(),
  );

  it("leaves out fields of another type", () => {
    const time = "2026-01-02T03:04:05.000Z";
    expect(
      parseAuditRecord({ schemaVersion: 1, time, action: "tag-delete", repository: "a", tag: 1, x: "y" }),
    ).toEqual({ schemaVersion: 1, time, action: "tag-delete", repository: "a" });
  });
});
