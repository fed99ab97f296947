import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { MigrationRecord } from "../../../src/state/migration-record.ts";
import { Migrations, migrationId } from "../../../src/state/migrations.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const USER = { uid: process.getuid?.() ?? 0, home: "/", env: {} };

function recordOf(source: string, target: string, changedAt: string): MigrationRecord {
  const store = (identity: string) => ({
    name: identity,
    identity,
    section: "storage:\n  s3:\n    secretkey: s\n",
  });
  return {
    ...{
      schemaVersion: 1,
      id: migrationId(source, target),
      phase: "copying",
      startedAt: changedAt,
      changedAt,
    },
    ...{ source: store(source), target: store(target) },
  };
}

describe("Migrations", () => {
  it("knows a move by both of its stores and their order", () => {
    expect(migrationId("a", "b")).toMatch(/^[0-9a-f]{16}$/);
    expect(migrationId("a", "b")).not.toBe(migrationId("b", "a"));
  });

  it("keeps records for their owner alone, and finds them by either store", async () => {
    const migrations = new Migrations({ stateDir: await temporaryFolder(), user: USER });
    const first = recordOf("a", "b", "2026-01-02T03:04:05.000Z");
    const second = recordOf("b", "c", "2026-01-03T03:04:05.000Z");
    migrations.write(first);
    migrations.write(second);
    expect(migrations.list()).toEqual([second, first]);
    expect(migrations.about("a")).toEqual([first]);
    expect(migrations.about("b")).toEqual([second, first]);
    const file = join(migrations.folder, first.id, "migration.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(migrations.folder).mode & 0o777).toBe(0o700);
  });

  it("believes nothing that others could have written, or that cannot be understood", async () => {
    const migrations = new Migrations({ stateDir: await temporaryFolder(), user: USER });
    const record = recordOf("a", "b", "2026-01-02T03:04:05.000Z");
    migrations.write(record);
    const file = join(migrations.folder, record.id, "migration.json");
    chmodSync(file, 0o644);
    expect(migrations.read(record.id)).toBeUndefined();
    chmodSync(file, 0o600);
    writeFileSync(file, "{");
    expect(migrations.read(record.id)).toBeUndefined();
    expect(migrations.list()).toEqual([]);
  });

  it("has none where there is no folder", async () => {
    const stateDir = join(await temporaryFolder(), "missing");
    expect(new Migrations({ stateDir, user: USER }).list()).toEqual([]);
  });
});
