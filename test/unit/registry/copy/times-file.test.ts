import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import {
  InvalidTimesFileError,
  OriginalTimes,
  readOriginalTimes,
} from "../../../../src/registry/copy/times-file.ts";
import { TimesRecorder } from "../../../../src/registry/copy/times-recorder.ts";
import { TIMES_FILE } from "../../../../src/registry/paths.ts";
import { ClockedMemoryDriver } from "../../../support/clocked-memory-driver.ts";

const START_MS = 1_700_000_000_000;
const SECOND_MS = 1000;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-times-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A recorder for a store whose clock goes on while it waits. */
function recorderFor(target: ClockedMemoryDriver): TimesRecorder {
  return new TimesRecorder(folder, {
    sleep: async (delayMs) => {
      target.nowMs += delayMs;
    },
  });
}

async function timesOf(target: ClockedMemoryDriver): Promise<OriginalTimes> {
  const times = await readOriginalTimes(target);
  if (times === undefined) throw new Error("there is no times file");
  return times;
}

const PATHS = ["/a", "/b", "/c", "/ü/日本"];
const original = fc.integer({ min: 0, max: START_MS - 1 });
/** What happens to the files of a store one after the other. */
const events = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("round" as const),
      files: fc.array(fc.record({ path: fc.constantFrom(...PATHS), original }), { maxLength: 6 }),
    }),
    fc.record({ kind: fc.constant("push" as const), path: fc.constantFrom(...PATHS) }),
    fc.record({ kind: fc.constant("pause" as const), ms: fc.integer({ min: 0, max: 5000 }) }),
  ),
  { maxLength: 40 },
);

describe("the times file", () => {
  it("gives what was copied its time, and what was written since the store's, after any rounds and pushes", async () => {
    await fc.assert(
      fc.asyncProperty(events, fc.boolean(), async (history, isCoarse) => {
        const target = new ClockedMemoryDriver(START_MS);
        const told = (ms: number): number => (isCoarse ? Math.floor(ms / SECOND_MS) * SECOND_MS : ms);
        /** When the store has written a file, and the time that it is to have. */
        const files = new Map<string, { writtenMs: number; expectedMs: number }>();
        for (const event of history) {
          if (event.kind === "pause") target.nowMs += event.ms;
          else if (event.kind === "push")
            files.set(event.path, { writtenMs: told(target.nowMs), expectedMs: told(target.nowMs) });
          else {
            const recorder = recorderFor(target);
            const copied = new Map<string, number>();
            for (const { path, original: at } of event.files) {
              recorder.note(path, at);
              copied.set(path, Math.max(at, copied.get(path) ?? 0));
              target.nowMs += 7;
              files.set(path, { writtenMs: told(target.nowMs), expectedMs: copied.get(path) ?? 0 });
            }
            await recorder.write(target);
          }
        }
        const times = await readOriginalTimes(target);
        const rounds = history.filter((event) => event.kind === "round" && event.files.length > 0).length;
        // Of more rounds the oldest are kept as one, and what they have copied may seem younger.
        if (rounds > 16) return;
        for (const [path, { writtenMs, expectedMs }] of files)
          expect([path, times?.originalMs(path, writtenMs) ?? writtenMs]).toEqual([path, expectedMs]);
      }),
      { numRuns: 300 },
    );
  });

  it("never gives a time to what was written when the last round had ended", () => {
    const rounds = fc.array(fc.record({ copiedBeforeMs: fc.integer({ min: 0, max: START_MS }), original }));
    fc.assert(
      fc.property(rounds, fc.integer({ min: 0, max: 10_000 }), (given, laterMs) => {
        const times = new OriginalTimes(
          given.map(({ copiedBeforeMs }) => ({ copiedBeforeMs, records: Buffer.alloc(0) })),
        );
        const writtenMs = Math.max(0, ...given.map((round) => round.copiedBeforeMs)) + laterMs;
        expect(times.originalMs("/a", writtenMs)).toBe(writtenMs);
      }),
    );
  });

  it("keeps the oldest of many rounds, which make nothing older than it is", async () => {
    const target = new ClockedMemoryDriver(START_MS);
    const written: number[] = [];
    for (let round = 0; round < 20; round++) {
      const recorder = recorderFor(target);
      recorder.note(`/f${round}`, round);
      written.push(target.nowMs);
      await recorder.write(target);
    }
    const times = await timesOf(target);
    expect(times.rounds.length).toBe(16);
    const given = written.map((writtenMs, round) => times.originalMs(`/f${round}`, writtenMs));
    // The second to the fifth are kept with the end of the first.
    expect(
      given.map((ms, round) => (ms === round ? "original" : ms === written[round] ? "own" : ms)),
    ).toEqual([
      "original",
      ...Array.from({ length: 4 }, () => "own"),
      ...Array.from({ length: 15 }, () => "original"),
    ]);
  });

  it("is refused with any byte changed, cut off or added", async () => {
    const target = new ClockedMemoryDriver(START_MS);
    const recorder = recorderFor(target);
    for (const path of PATHS) recorder.note(path, 1);
    await recorder.write(target);
    const content = await target.get(TIMES_FILE);
    const damage = fc.oneof(
      fc.record({ at: fc.nat(content.length - 1), by: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ length: fc.nat(content.length - 1) }),
      fc.record({ more: fc.uint8Array({ minLength: 1 }) }),
      fc.record({ other: fc.uint8Array() }),
    );
    fc.assert(
      fc.property(damage, (kind) => {
        let damaged: Uint8Array = Uint8Array.from(content);
        if ("at" in kind) damaged[kind.at] = (damaged[kind.at] ?? 0) ^ kind.by;
        else if ("length" in kind) damaged = damaged.slice(0, kind.length);
        else if ("more" in kind) damaged = Buffer.concat([damaged, kind.more]);
        else damaged = kind.other;
        expect(() => OriginalTimes.parse(damaged)).toThrow(InvalidTimesFileError);
      }),
      { numRuns: 500 },
    );
  });

  it("is not there in a store into which nothing was copied", async () => {
    const target = new ClockedMemoryDriver(START_MS);
    await recorderFor(target).write(target);
    expect(await readOriginalTimes(target)).toBeUndefined();
  });
});

describe("the recorder of times", () => {
  it("knows what a process before it has noted, but for a record that was cut off", async () => {
    const target = new ClockedMemoryDriver(START_MS);
    const dead = recorderFor(target);
    for (const [at, path] of PATHS.entries()) dead.note(path, at);
    dead.flush();
    truncateSync(join(folder, "original-times.spool"), PATHS.length * 16 - 3);
    const recorder = recorderFor(target);
    recorder.note("/later", 9);
    await recorder.write(target);
    const times = await timesOf(target);
    expect(PATHS.map((path) => times.originalMs(path, START_MS))).toEqual([0, 1, 2, START_MS]);
  });

  it("keeps what was noted until the target has it, and forgets it then", async () => {
    const target = new ClockedMemoryDriver(START_MS);
    const recorder = recorderFor(target);
    recorder.note("/a", 1);
    const openWriter = target.openWriter.bind(target);
    target.openWriter = async () => {
      throw new StorageUnavailableError("no");
    };
    await expect(recorder.write(target)).rejects.toThrow(StorageUnavailableError);
    target.openWriter = openWriter;
    await recorder.write(target);
    expect((await timesOf(target)).originalMs("/a", START_MS)).toBe(1);
    await recorder.write(target);
    expect((await timesOf(target)).rounds.length).toBe(1);
  });

  it("replaces a times file that is damaged", async () => {
    const target = new ClockedMemoryDriver(START_MS);
    await target.put(TIMES_FILE, Buffer.from("damaged"));
    const recorder = recorderFor(target);
    recorder.note("/a", 1);
    await recorder.write(target);
    expect((await timesOf(target)).originalMs("/a", START_MS)).toBe(1);
  });

  it("ends also where the store's clock stands still, and makes nothing older than it is", async () => {
    const target = new ClockedMemoryDriver(START_MS);
    const recorder = new TimesRecorder(folder, { sleep: async () => undefined });
    recorder.note("/a", 1);
    await recorder.write(target);
    expect((await timesOf(target)).originalMs("/a", START_MS)).toBe(START_MS);
  });
});
