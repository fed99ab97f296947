import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { MigrationJournal } from "../../../../src/operations/migrate/migration-journal.ts";
import {
  type SwitchHands,
  type SwitchPlan,
  switchStore,
} from "../../../../src/operations/migrate/switch-store.ts";
import type { MigrationRecord } from "../../../../src/state/migration-record.ts";
import { Migrations } from "../../../../src/state/migrations.ts";

const OLD = "old";
const TRIED = "new, read-only";
const NEW = "new";

function journalOfTest(): MigrationJournal {
  const stateDir = mkdtempSync(join(tmpdir(), "registry-ctl-migrations-"));
  onTestFinished(() => rmSync(stateDir, { recursive: true }));
  const user = { uid: process.getuid?.() ?? 0, home: "/", env: {} };
  const time = "2026-01-02T03:04:05.000Z";
  const store = (name: string) => ({ name, identity: name, section: "" });
  const record: MigrationRecord = {
    ...{ schemaVersion: 1, id: "0123456789abcdef", phase: "verified", startedAt: time, changedAt: time },
    ...{ source: store("source"), target: store("target") },
  };
  return new MigrationJournal(new Migrations({ stateDir, user }), record, () => Date.parse(time));
}

/** A registry that is a text file, and what was done to it in order. */
function world(take: (text: string) => boolean, probe = async () => ["works"]) {
  const done: string[] = [];
  let text = OLD;
  const hands: SwitchHands = {
    files: {
      read: () => text,
      replace: async (_path, wanted, expected) => {
        expect(text).toBe(expected);
        text = wanted;
        done.push(`file: ${wanted}`);
      },
    },
    file: "/config.yml",
    take: async () => {
      done.push(`take: ${text}`);
      return take(text);
    },
    probePull: async () => {
      done.push("pull");
      return probe();
    },
    probePush: async () => {
      done.push("push");
      return "pushed";
    },
    endDuties: async () => void done.push("writable"),
    show: () => undefined,
    nowMs: () => 0,
    onNotice: () => undefined,
  };
  const held = {
    how: "held",
    check: async () => ({ kind: "read-only" as const }),
    release: async () => void done.push("released"),
    keepOn: async () => void done.push("kept"),
  };
  return { hands, held, done, text: () => text };
}

const PLAN: SwitchPlan = {
  ...{ to: "target" as const, before: OLD, texts: { tried: TRIED, after: NEW }, keptConfig: "/kept" },
  start: { leftAt: "2026-01-02T03:04:06.000Z", takenAt: "2026-01-02T03:04:07.000Z", wasReadOnly: false },
};

describe("switchStore", () => {
  it("tries the new store before anybody may write to it", async () => {
    const { hands, held, done } = world(() => true);
    const journal = journalOfTest();
    const report = await switchStore(hands, journal, held, PLAN);
    expect(done).toEqual([
      ...["kept", `file: ${TRIED}`, `take: ${TRIED}`, "pull"],
      ...[`file: ${NEW}`, `take: ${NEW}`, "writable", "push"],
    ]);
    expect(report).toMatchObject({ config: "/config.yml", keptConfig: "/kept", probes: ["works", "pushed"] });
    expect(journal.record).toMatchObject({ phase: "finished" });
    expect(journal.record.switching).toBeUndefined();
  });

  it("says before the first change what has to be done should it die", async () => {
    const journal = journalOfTest();
    const { hands, held } = world(() => true);
    let atKeep: MigrationRecord | undefined;
    const watched = {
      ...held,
      keepOn: async () => {
        atKeep = journal.record;
      },
    };
    await switchStore(hands, journal, watched, PLAN);
    expect(atKeep).toMatchObject({
      ...{ phase: "switching", keptConfig: "/kept" },
      switching: { to: "target", ...PLAN.start },
    });
  });

  it("lets the registry write where what is to be undone cannot be kept, and has changed nothing", async () => {
    const { hands, held, done, text } = world(() => true);
    const journal = journalOfTest();
    const full = { ...held, keepOn: () => Promise.reject(new Error("no space left")) };
    await expect(switchStore(hands, journal, full, PLAN)).rejects.toThrow("no space left");
    expect(done).toEqual(["released"]);
    expect(text()).toBe(OLD);
    expect(journal.record.switching).toBeUndefined();
  });

  it("says that the registry uses the old store again, also where that cannot be remembered", async () => {
    const { hands, held, done } = world(
      () => true,
      () => Promise.reject(new Error("404")),
    );
    const journal = journalOfTest();
    hands.endDuties = async () => {
      done.push("writable");
      rmSync(journal.folder, { recursive: true });
      writeFileSync(journal.folder, "a full disk");
    };
    await expect(switchStore(hands, journal, held, PLAN)).rejects.toThrow(
      "uses the old one again, and takes writes",
    );
    expect(done.at(-1)).toBe("writable");
  });

  it.each([
    ["does not take the file", () => Promise.reject(new Error("it does not start")), undefined],
    ["cannot be pulled from", undefined, () => Promise.reject(new Error("404"))],
  ])("puts the old file back, and lets the registry write, when it %s", async (_what, take, probe) => {
    const { hands, held, done, text } = world(() => true, probe);
    const own = hands.take;
    if (take) hands.take = async () => (hands.files.read("") === TRIED ? take() : own());
    const journal = journalOfTest();
    await expect(switchStore(hands, journal, held, PLAN)).rejects.toThrow(
      "uses the old one again, and takes writes",
    );
    expect(text()).toBe(OLD);
    expect(done.slice(-3)).toEqual([`file: ${OLD}`, `take: ${OLD}`, "writable"]);
    expect(journal.record.phase).toBe("copied");
    expect(journal.record.switching).toBeUndefined();
  });

  it("keeps in mind what is half done where it cannot be brought back", async () => {
    const { hands, held } = world(() => true);
    hands.take = () => Promise.reject(new Error("nothing starts any more"));
    const journal = journalOfTest();
    await expect(switchStore(hands, journal, held, PLAN)).rejects.toThrow("could not be brought back");
    expect(journal.record).toMatchObject({ phase: "switching", switching: { to: "target" } });
  });

  it("asks nothing of a registry that does not run", async () => {
    const { hands, held, done } = world(() => false);
    const report = await switchStore(hands, journalOfTest(), held, PLAN);
    expect(report.probes).toEqual(["the registry does not run: nothing was asked"]);
    expect(done).not.toContain("push");
  });
});
