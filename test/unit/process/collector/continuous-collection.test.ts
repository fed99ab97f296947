import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { ContinuousCollectionSettings, Settings } from "../../../../src/config/settings.ts";
import type { CollectionRequest } from "../../../../src/control/protocol.ts";
import {
  ContinuousCollection,
  type RunTimes,
} from "../../../../src/process/collector/continuous-collection.ts";
import { settingsFor } from "../../../integration/process/settings-for.ts";
import { type LoggedLine, recordingLogger } from "../../../support/recording-logger.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = new Date(2026, 0, 5, 8).getTime();

const DAILY: ContinuousCollectionSettings = {
  intervalMs: DAY_MS,
  deleteUntagged: true,
  window: undefined,
  maxOpsPerSecond: 0,
};

/** A clock that jumps to whatever is waited for, up to an end. */
class World {
  nowMs = START_MS;
  endMs: number;
  readonly runs: { atHours: number; options: readonly string[] }[] = [];
  readonly lines: LoggedLine[] = [];
  takesMs = HOUR_MS;
  fails = false;
  /** What the journal of commands is told, run by run. */
  readonly journal: unknown[] = [];
  outcome: "report" | "failed" = "report";
  readonly collection: ContinuousCollection;

  constructor({ days, lastRun }: { days: number; lastRun?: RunTimes }) {
    this.endMs = START_MS + days * DAY_MS;
    this.collection = new ContinuousCollection({
      collect: async ({ options }: CollectionRequest, onEvent) => {
        this.runs.push({ atHours: (this.nowMs - START_MS) / HOUR_MS, options });
        this.nowMs += this.takesMs;
        if (this.fails) throw new Error("locked");
        onEvent({ type: "started", id: "1", pid: 1 });
        if (this.outcome === "failed") {
          return onEvent({ type: "failed", code: "ERR", message: "the store is away", exitCode: 11 });
        }
        const deleted = { blobs: 3, bytes: 2048, manifests: 1, layerLinks: 3, tagHistoryLinks: 1 };
        onEvent({ type: "report", report: { warnings: ["a warning"], deleted }, exitCode: 0 });
      },
      openJournal: (options) => ({
        note: ({ summary }) => void this.journal.push([options.length > 0, summary]),
        end: (result) => void this.journal.push(result),
      }),
      lastRun: () => lastRun,
      logger: recordingLogger(this.lines),
      nowMs: () => this.nowMs,
      random: () => 0.5,
      sleep: async (ms) => {
        this.nowMs += ms;
        if (this.nowMs >= this.endMs) this.collection.end();
        await Promise.resolve();
      },
    });
  }

  async run(continuous: ContinuousCollectionSettings | undefined, more: Partial<Settings> = {}) {
    const settings: Settings = {
      ...settingsFor("/nowhere", ""),
      gc: { reviewAfterMs: 2 * HOUR_MS, continuous },
      ...more,
    };
    this.collection.start(settings);
    for (let turn = 0; turn < 200; turn++) await setImmediate();
    return this.runs.map(({ atHours }) => atHours);
  }
}

describe("collecting without a command", () => {
  it("begins soon after the start, and then from the end of one run to the next", async () => {
    expect(await new World({ days: 3 }).run(DAILY)).toEqual([0.5, 25.5, 50.5]);
  });

  it("counts from the end of the last run that is known", async () => {
    const world = new World({
      days: 2,
      lastRun: { beganMs: START_MS - 22 * HOUR_MS, endedMs: START_MS - 20 * HOUR_MS },
    });
    expect(await world.run(DAILY)).toEqual([4, 29]);
  });

  it("collects nothing where the file does not ask for it, and where the registry is read-only", async () => {
    expect(await new World({ days: 3 }).run(undefined)).toEqual([]);
    expect(await new World({ days: 3 }).run(DAILY, { readOnly: true })).toEqual([]);
  });

  it("keeps to its window, and says when that ends", async () => {
    const world = new World({ days: 2 });
    const window = { fromMinute: 22 * 60, toMinute: 23 * 60 };
    expect(await world.run({ ...DAILY, window })).toEqual([14, 38]);
    const until = new Date(2026, 0, 5, 23).getTime();
    expect(world.runs[0]?.options).toEqual(expect.arrayContaining(["--until-ms", `${until}`]));
  });

  it("says what may go, and how fast", async () => {
    const world = new World({ days: 1 });
    await world.run({ ...DAILY, maxOpsPerSecond: 5 });
    const spared = `${2 * HOUR_MS}ms`;
    expect(world.runs[0]?.options).toEqual([
      ...["--grace", spared, "--max-delete", "30", "--skip-if-locked"],
      ...["--delete-untagged", "--untagged-for", spared, "--max-ops", "5"],
    ]);
    const careful = new World({ days: 1 });
    await careful.run({ ...DAILY, deleteUntagged: false });
    expect(careful.runs[0]?.options).not.toContain("--delete-untagged");
  });

  it("goes on where a run fails, and logs what runs warn of", async () => {
    const world = new World({ days: 2 });
    world.fails = true;
    expect(await world.run(DAILY)).toEqual([0.5, 25.5]);
    expect(world.lines.filter(({ level }) => level === "warn")).toHaveLength(2);
  });

  it("follows other settings at once", async () => {
    const world = new World({ days: 100 });
    world.endMs = START_MS + 10 * MINUTE_MS;
    await world.run({ ...DAILY, intervalMs: HOUR_MS });
    expect(world.runs).toEqual([]);
  });

  it("writes each run down, with what it has deleted", async () => {
    const world = new World({ days: 1 });
    await world.run(DAILY);
    expect(world.journal).toEqual([
      [true, "by the server itself (gc of the configuration)"],
      [true, "deleted 1 manifests, 3 blobs (2.0 KiB), by the server itself (gc of the configuration)"],
      { outcome: "done", exitCode: 0 },
    ]);
  });

  it("writes down why a run has failed, and nothing of one that could not begin", async () => {
    const failing = new World({ days: 1 });
    failing.outcome = "failed";
    await failing.run(DAILY);
    expect(failing.journal.at(-1)).toEqual({
      ...{ outcome: "failed", exitCode: 11 },
      message: "the store is away",
    });
    const locked = new World({ days: 1 });
    locked.fails = true;
    await locked.run(DAILY);
    expect(locked.journal).toEqual([]);
  });
});
