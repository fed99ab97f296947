import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { createRequestRate } from "../../../../src/storage/s3/shared-rate.ts";
import { FolderGrants } from "../../../../src/storage/s3/shared-rate-folder.ts";
import { LocalGrants, RateSlots, type RequestGrants } from "../../../../src/storage/s3/shared-rate-grants.ts";

const START_MS = Date.UTC(2026, 10, 21, 12);

let folder: string;

beforeEach(async () => {
  const parent = await mkdtemp(join(tmpdir(), "registry-ctl-rate-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  folder = join(parent, "state", "rate");
});

/** Asks each of them as often as it gives something, millisecond by millisecond. */
function grantedIn(all: readonly RequestGrants[], durationMs: number): number[] {
  const granted = all.map(() => 0);
  for (let atMs = 0; atMs < durationMs; atMs++) {
    for (const [index, grants] of all.entries())
      granted[index] = (granted[index] ?? 0) + grants.take(START_MS + atMs);
  }
  return granted;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe("RateSlots", () => {
  test("grant exactly the rate in each second", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (perSecond) => {
        const slots = new RateSlots(perSecond);
        const first = slots.at(START_MS);
        const sizes = Array.from({ length: slots.count }, (_empty, slot) => slots.sizeOf(first + slot));
        expect(sum(sizes)).toBe(perSecond);
        expect(Math.min(...sizes)).toBeGreaterThan(0);
        expect(slots.at(slots.startOf(first))).toBe(first);
      }),
    );
  });
});

describe("LocalGrants", () => {
  test.each([1, 7, 50, 350, 3500])("give %i requests a second to whoever always wants more", (perSecond) => {
    expect(grantedIn([new LocalGrants(perSecond)], 10_000)).toEqual([10 * perSecond]);
  });

  test("keep nothing of a second in which nobody asked", () => {
    const grants = new LocalGrants(100);
    grants.take(START_MS);
    let burst = 0;
    for (let got = grants.take(START_MS + 60_500); got > 0; got = grants.take(START_MS + 60_500))
      burst += got;
    expect(burst).toBeLessThanOrEqual(30);
  });

  test("go on after the clock was set back", () => {
    const grants = new LocalGrants(100);
    grants.take(START_MS);
    expect(grants.take(START_MS - 3_600_000)).toBeGreaterThan(0);
  });
});

describe("FolderGrants", () => {
  test("give all processes together the rate, and none of them nothing", () => {
    const all = [1, 2, 3].map(() => new FolderGrants(350, folder, undefined));
    const granted = grantedIn(all, 2000);
    expect(sum(granted)).toBe(700);
  });

  test("give the whole rate to the one that is there", () => {
    expect(grantedIn([new FolderGrants(70, folder, undefined)], 2000)).toEqual([140]);
  });

  test("leave only files of the second and of that before", async () => {
    await mkdir(folder, { recursive: true });
    const second = START_MS / 1000;
    for (const name of [`${second - 2}-0`, `${second - 1}-0`, `${second + 90}-3`, "note.txt"]) {
      await writeFile(join(folder, name), "");
    }
    new FolderGrants(10, folder, undefined).take(START_MS);
    expect((await readdir(folder)).sort()).toEqual([`${second - 1}-0`, `${second}-0`, "note.txt"].sort());
  });

  test("make the folder again if somebody removes it", async () => {
    const grants = new FolderGrants(50, folder, undefined);
    grants.take(START_MS);
    await rm(folder, { recursive: true });
    expect(grants.take(START_MS + 100)).toBeGreaterThan(0);
    expect(await readdir(folder)).toHaveLength(1);
  });

  test("are handed out by each process alone, and say so once, if the folder cannot be used", async () => {
    await mkdir(join(folder, ".."), { recursive: true });
    await writeFile(folder, "a file is in the way");
    const notices: string[] = [];
    const grants = new FolderGrants(100, folder, (message) => notices.push(message));
    expect(grantedIn([grants], 30_000)).toEqual([3000]);
    expect(notices).toEqual([expect.stringContaining(folder)]);
  });
});

describe("createRequestRate", () => {
  test("lets everything by without a limit", () => {
    expect(createRequestRate({ perSecond: 0, folder }).take(undefined)).toBeUndefined();
  });

  test("lets requests by in the order in which they asked, as their time comes", async () => {
    const rate = createRequestRate({ perSecond: 200, folder });
    const order: number[] = [];
    const turns = Array.from({ length: 60 }, async (_empty, index) => {
      await rate.take(undefined);
      order.push(index);
    });
    await Promise.all(turns);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test("holds requests back above the rate", async () => {
    let nowMs = START_MS;
    const rate = createRequestRate({ perSecond: 10, folder: undefined, now: () => nowMs });
    expect(rate.take(undefined)).toBeUndefined();
    const second = rate.take(undefined);
    expect(second).toBeInstanceOf(Promise);
    nowMs += 100;
    await second;
  });

  test("lets a request go that is cancelled, and the next one by in its place", async () => {
    let nowMs = START_MS;
    const rate = createRequestRate({ perSecond: 10, folder: undefined, now: () => nowMs });
    await rate.take(undefined);
    const stop = new AbortController();
    const cancelled = rate.take(stop.signal);
    const next = rate.take(undefined);
    stop.abort();
    await expect(cancelled).rejects.toThrow(CancelledError);
    nowMs += 100;
    await next;
    await expect(rate.take(AbortSignal.abort())).rejects.toThrow(CancelledError);
  });
});
