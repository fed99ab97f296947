import { describe, expect, it } from "vitest";
import { renderHistory, renderHistoryJson } from "../../../../src/commands/history/render.ts";
import type { HistoryEntry } from "../../../../src/operations/history/history-entry.ts";

const time = "2026-01-02T03:04:05.678Z";
const [old, next] = [`sha256:${"1".repeat(64)}`, `sha256:${"2".repeat(64)}`];

async function* given(entries: readonly HistoryEntry[]): AsyncGenerator<HistoryEntry> {
  yield* entries;
}

async function joined(texts: AsyncIterable<string>): Promise<string> {
  let all = "";
  for await (const text of texts) all += text;
  return all;
}

async function render(...entries: HistoryEntry[]): Promise<string[]> {
  const history = { count: entries.length, entries: () => given(entries) };
  const text = await joined(renderHistory(history));
  expect(text).toMatch(/[^\n]\n$/);
  return text.trimEnd().split("\n");
}

async function renderJson(...entries: HistoryEntry[]): Promise<string> {
  const history = { entries: () => given(entries), hasMore: true, damagedLines: 2, unread: [] };
  return joined(renderHistoryJson(history));
}

function command(more: object): HistoryEntry {
  return {
    ...{ source: "command", time, command: "users add", arguments: [], actor: { uid: 0, user: "root" } },
    ...{ host: "h", pid: 1, outcome: "done", exitCode: 0, ...more },
  };
}

describe("renderHistory", () => {
  it("says that there is nothing", async () => expect(await render()).toEqual(["nothing is known"]));

  it("tells of a tag in full what it was, so that it can be set again", async () => {
    const base = { source: "server", time, repository: "a/b", tag: "v1", before: old } as const;
    expect(
      await render(
        { ...base, action: "tag-overwrite", after: next, actor: "alice", address: "10.0.0.1" },
        { ...base, action: "tag-delete", address: "10.0.0.1", forwardedFor: "1.2.3.4", userAgent: "curl/8" },
      ),
    ).toEqual([
      "TIME                  WHO       WHAT             OF      HOW",
      `2026-01-02T03:04:05Z  alice     tag overwritten  a/b:v1  was ${old}, now sha256:222222222222, from 10.0.0.1`,
      `2026-01-02T03:04:05Z  somebody  tag deleted      a/b:v1  was ${old}, from 1.2.3.4 by 10.0.0.1, with curl/8`,
    ]);
  });

  it.each([
    [{}, "done"],
    [{ summary: "user bob" }, "user bob"],
    [{ exitCode: 3, summary: "x" }, "done, exit code 3; x"],
    [{ outcome: "failed", exitCode: 1, message: "no room" }, "failed, exit code 1; no room"],
    [{ outcome: "unknown", exitCode: undefined }, "its end is not known: still running, or killed"],
    [{ before: "read-write", after: "read-only" }, "was read-write; now read-only"],
  ])("tells how a command ended: %j", async (more, text) => {
    expect((await render(command(more)))[1]?.trimEnd()).toBe(
      `2026-01-02T03:04:05Z  root  users add      ${text}`,
    );
  });

  it("lets nothing that clients sent pass for a line or command a terminal", async () => {
    const entry: HistoryEntry = {
      ...{ source: "server", time, action: "tag-delete", repository: "a", tag: "v1", before: old },
      ...{ actor: "eve\n2026\u001b[2J", forwardedFor: "x\r\n" },
    };
    const lines = await render(entry);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain("eve?2026?[2J");
  });
});

describe("renderHistoryJson", () => {
  it.each([0, 1, 3, 2000])("is one document on one line, with %i entries", async (count) => {
    const entries = Array.from({ length: count }, (_, pid) => command({ pid, message: "a\nb\u0085" }));
    const text = await renderJson(...entries);
    expect(text.indexOf("\n")).toBe(text.length - 1);
    expect(text).not.toContain("\u0085");
    expect(JSON.parse(text)).toEqual({
      schemaVersion: 1,
      entries,
      hasMore: true,
      damagedLines: 2,
      unread: [],
    });
  });
});
