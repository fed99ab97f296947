import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import type { HistoryEntry } from "../../../../src/operations/history/history-entry.ts";
import { type HistoryOptions, readHistory } from "../../../../src/operations/history/read-history.ts";

/** What is known, read to its end. */
interface Read {
  entries: HistoryEntry[];
  count: number;
  hasMore: boolean;
  damagedLines: number;
  unread: { path: string; problem: string }[];
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-history-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const audit = (): string => join(folder, "audit/audit.jsonl");
const journal = (): string => join(folder, "journal.jsonl");

function write(path: string, ...records: unknown[]): void {
  mkdirSync(dirname(path), { recursive: true });
  const lines = records.map((record) => (typeof record === "string" ? record : JSON.stringify(record)));
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
}

function overwrite(minute: number, more: object = {}): object {
  const time = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  return {
    ...{ schemaVersion: 1, time, action: "tag-overwrite", repository: "a/b", tag: "v1", before: "sha256:1" },
    ...more,
  };
}

function begin(minute: number, id: string, more: object = {}): object {
  const time = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  return {
    ...{ schemaVersion: 1, type: "begin", id, time, command: "users add", arguments: ["users", "add"] },
    ...{ actor: { uid: 0, user: "root", sudoUser: "alice" }, host: "h", pid: 1 },
    ...more,
  };
}

function end(minute: number, id: string, more: object = {}): object {
  const time = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  return { schemaVersion: 1, type: "end", id, time, outcome: "done", exitCode: 0, ...more };
}

async function read(options: Partial<HistoryOptions> = {}): Promise<Read> {
  const sources = { audits: [audit()], journals: [journal()] };
  const { entries, close, ...known } = await readHistory(sources, { limit: 100, ...options });
  const found: HistoryEntry[] = [];
  for await (const entry of entries()) found.push(entry);
  close();
  expect(known.count).toBe(found.length);
  return { ...known, entries: found };
}

const minutes = ({ entries }: Read): number[] => entries.map(({ time }) => new Date(time).getUTCMinutes());

describe("readHistory", () => {
  it("knows nothing where there are no files", async () => {
    expect(await read()).toEqual({
      entries: [],
      count: 0,
      hasMore: false,
      damagedLines: 0,
      unread: [],
    });
  });

  it("merges what clients and commands did by time, and a command's begin with its end", async () => {
    write(audit(), overwrite(1), overwrite(3));
    write(
      journal(),
      begin(2, "x", { target: "/f" }),
      end(5, "x", { after: "bob", exitCode: 3 }),
      begin(4, "y"),
    );
    const report = await read();
    expect(minutes(report)).toEqual([1, 2, 3, 4]);
    expect(report.entries[1]).toEqual({
      source: "command",
      time: "2026-01-01T00:02:00.000Z",
      endedAt: "2026-01-01T00:05:00.000Z",
      command: "users add",
      arguments: ["users", "add"],
      actor: { uid: 0, user: "root", sudoUser: "alice" },
      host: "h",
      pid: 1,
      target: "/f",
      after: "bob",
      outcome: "done",
      exitCode: 3,
    });
    expect(report.entries[3]).toMatchObject({ outcome: "unknown" });
  });

  it("follows files that were put aside, also where a command's end is in a newer one", async () => {
    write(join(folder, "audit/audit-20260101T000100000Z-aa.jsonl"), overwrite(1));
    write(join(folder, "audit/audit-20260101T000200000Z-00.jsonl"), overwrite(2));
    write(audit(), overwrite(3));
    write(join(folder, "journal-20260101T000100000Z-aa.jsonl"), begin(4, "x"));
    write(journal(), end(5, "x"));
    const report = await read();
    expect(minutes(report)).toEqual([1, 2, 3, 4]);
    expect(report.entries[3]).toMatchObject({ outcome: "done" });
  });

  it("gives the newest of them, and says that there are more", async () => {
    write(join(folder, "audit/audit-20260101T000100000Z-aa.jsonl"), overwrite(1), overwrite(2));
    write(audit(), overwrite(3), overwrite(4), overwrite(5), overwrite(6), overwrite(7));
    write(journal(), begin(0, "x"));
    expect(await read({ limit: 2 })).toMatchObject({ hasMore: true });
    expect(minutes(await read({ limit: 2 }))).toEqual([6, 7]);
    expect(minutes(await read({ limit: 7 }))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await read({ limit: 8 })).toMatchObject({ hasMore: false });
    expect(minutes(await read({ limit: 0 }))).toHaveLength(8);
  });

  it("gives them by time, whatever the order in which several workers wrote them", async () => {
    const minutesOf = (from: number, to: number): number[] =>
      Array.from({ length: to - from }, (_, index) => from + index);
    write(
      join(folder, "audit/audit-20260101T000100000Z-aa.jsonl"),
      overwrite(9),
      overwrite(3),
      overwrite(30),
    );
    write(
      audit(),
      ...minutesOf(10, 30)
        .reverse()
        .map((minute) => overwrite(minute)),
      overwrite(1),
    );
    write(journal(), begin(4, "x"), begin(2, "y"));
    expect(minutes(await read({ limit: 0 }))).toEqual([1, 2, 3, 4, ...minutesOf(9, 31)]);
  });

  it("reads lines of all lengths again, and the last one though it has no end", async () => {
    const actors = Array.from({ length: 60 }, (_, index) => `${index}`.padEnd((index * 7919) % 60_000, "é"));
    const lines = actors.map((actor, index) => JSON.stringify(overwrite(index, { actor })));
    write(audit(), ...lines);
    appendFileSync(audit(), JSON.stringify(overwrite(59, { actor: "last" })));
    const { entries } = await read({ limit: 0 });
    const kept = actors.filter((_, index) => Buffer.byteLength(lines[index] ?? "") <= 64 * 1024);
    expect(kept.length).toBeLessThan(actors.length);
    expect(entries.map((entry) => entry.actor)).toEqual([...kept, "last"]);
  });

  it("reads what it has found though the file is put aside and another one begun", async () => {
    write(audit(), overwrite(1), overwrite(2));
    const history = await readHistory({ audits: [audit()], journals: [] }, { limit: 0 });
    rmSync(audit());
    write(audit(), overwrite(3));
    const read = async (): Promise<HistoryEntry[]> => {
      const found: HistoryEntry[] = [];
      for await (const entry of history.entries()) found.push(entry);
      return found;
    };
    expect(await read()).toHaveLength(2);
    expect(await read()).toMatchObject([{ tag: "v1", before: "sha256:1" }, { tag: "v1" }]);
    history.close();
  });

  it("says that there are more where it has not even looked", async () => {
    write(join(folder, "audit/audit-20260101T000100000Z-aa.jsonl"), overwrite(1));
    write(audit(), overwrite(2), overwrite(3));
    expect(await read({ limit: 2 })).toMatchObject({ hasMore: true });
  });

  it.each<[Partial<HistoryOptions>, number[]]>([
    [{ repository: "a/b" }, [1, 2, 3, 6]],
    [{ repository: "a" }, [1, 2, 3, 4, 6]],
    [{ tag: "v2" }, [2]],
    [{ tag: "v2", repository: "a/bc" }, []],
    [{ actor: "bob" }, [3]],
    [{ actor: "alice" }, [5, 6]],
    [{ actor: "0" }, [5, 6]],
    [{ actor: "ali" }, []],
    [{ sinceMs: Date.UTC(2026, 0, 1, 0, 3), untilMs: Date.UTC(2026, 0, 1, 0, 5) }, [3, 4, 5]],
  ])("gives with %j what is asked for", async (filter, expected) => {
    write(
      audit(),
      overwrite(1),
      overwrite(2, { tag: "v2" }),
      overwrite(3, { actor: "bob" }),
      overwrite(4, { repository: "a/bc", tag: "x" }),
    );
    // What it changed is known at its end only.
    write(journal(), begin(5, "x"), begin(6, "y"), end(7, "y", { repository: "a/b" }));
    expect(minutes(await read(filter))).toEqual(expected);
  });

  it("always tells of records that are lost", async () => {
    write(audit(), overwrite(1, { action: "lost", repository: "", tag: undefined, count: 7 }));
    expect((await read({ repository: "x", tag: "y", actor: "z" })).entries).toMatchObject([{ count: 7 }]);
  });

  it("reads no file that is older than what is asked for", async () => {
    const old = join(folder, "audit/audit-20260101T000100000Z-aa.jsonl");
    write(old, "damaged");
    utimesSync(old, 0, 0);
    write(audit(), overwrite(3));
    expect(await read({ sinceMs: Date.UTC(2026, 0, 1) })).toMatchObject({ damagedLines: 0 });
    expect(await read()).toMatchObject({ damagedLines: 1 });
  });

  it("leaves damaged lines out and counts them", async () => {
    write(
      audit(),
      overwrite(1),
      '{"schemaVersion":1,"time":"2026',
      "",
      "[]",
      overwrite(2),
      `"${"x".repeat(70_000)}"`,
    );
    write(journal(), "\0\0\0", begin(3, "x"));
    const report = await read();
    expect(minutes(report)).toEqual([1, 2, 3]);
    expect(report.damagedLines).toBe(3);
  });

  it("says what cannot be read, and tells the rest", async () => {
    mkdirSync(audit(), { recursive: true });
    write(journal(), begin(1, "x"));
    const report = await read();
    expect(minutes(report)).toEqual([1]);
    expect(report.unread).toEqual([{ path: audit(), problem: expect.stringContaining("no file") }]);
  });

  it("stops when it is told to", async () => {
    write(audit(), overwrite(1));
    const signal = AbortSignal.abort(new CancelledError());
    await expect(read({ signal })).rejects.toThrow(CancelledError);
  });
});
