import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { CancelledError, StorageUnavailableError } from "../../../../src/errors.ts";
import { uploadDataPath, uploadPath, uploadStartedAtPath } from "../../../../src/registry/paths.ts";
import { Registry } from "../../../../src/registry/registry.ts";
import {
  type PurgedUpload,
  type PurgeOptions,
  type PurgeResult,
  purgeUploads,
} from "../../../../src/registry/uploads/purge-uploads.ts";
import type { FailedRemoval } from "../../../../src/registry/uploads/remove-upload.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { wrapDriver } from "../../../../src/storage/wrappers/wrap-driver.ts";
import { AgedMemoryDriver } from "../../../support/aged-memory-driver.ts";
import { filesOf, pushImage, STORES, withoutAbilities } from "../../../support/registry-stores.ts";

const DAY = 86_400_000;
const WEEK = 7 * DAY;

interface Outcome extends PurgeResult {
  purged: PurgedUpload[];
  failed: FailedRemoval[];
  /** Ids of what was purged. */
  ids: string[];
}

async function purge(driver: StorageDriver, options: Partial<PurgeOptions> = {}): Promise<Outcome> {
  const purged: PurgedUpload[] = [];
  const failed: FailedRemoval[] = [];
  const result = await purgeUploads(driver, {
    ...{ nowMs: Date.now(), olderThanMs: WEEK, dryRun: false, concurrency: 4 },
    onPurged: (upload) => void purged.push(upload),
    onFailure: (failure) => void failed.push(failure),
    ...options,
  });
  purged.sort((a, b) => (a.path < b.path ? -1 : 1));
  const ids = purged.map(({ upload }) => upload?.uuid ?? "").sort();
  return { ...result, purged, failed, ids };
}

/** All that was written until now counts as eight days old. */
const inEightDays = (): { nowMs: number } => ({ nowMs: Date.now() + 8 * DAY });

const ALL_STORES: typeof STORES = [
  ...STORES,
  ["a driver without abilities", async () => withoutAbilities(new AgedMemoryDriver())],
];

describe.each(ALL_STORES)("purging uploads of a store (%s)", (_, open) => {
  let driver: StorageDriver;

  beforeEach(async () => {
    driver = await open();
  });

  const put = (path: string, content = "x"): Promise<void> => driver.put(path, Buffer.from(content));

  async function putUpload(repository: string, files: Record<string, string>): Promise<string> {
    const uuid = randomUUID();
    for (const [name, content] of Object.entries(files)) {
      await put(`${uploadPath(repository, uuid)}/${name}`, content);
    }
    return uuid;
  }

  it("removes every file of abandoned uploads, and nothing else", async () => {
    const registry = new Registry(driver);
    await pushImage(registry.repository("team/app"), "config", ["v1"]);
    // What is no upload, in the places where uploads are.
    const foreign = randomUUID();
    await put("/docker/registry/v2/repositories/team/app/_uploads/notes.txt");
    await put("/docker/registry/v2/repositories/team/app/_uploads/no-id/data");
    await put(`/docker/registry/v2/repositories/team/app/_uploads/${foreign}/notes.txt`);
    await put(`/docker/registry/v2/repositories/UPPER/_uploads/${randomUUID()}/data`);
    await put(`/docker/registry/v2/_uploads/${randomUUID()}/data`);
    const others = (await filesOf(driver)).sort();
    const full = await putUpload("team/app", {
      data: "12345",
      startedat: "2020-01-01T00:00:00Z",
      "hashstates/sha256/0": "h",
      "hashstates/sha256/5": "h",
      "tail/5": "678",
    });
    const begun = await putUpload("team", { startedat: "2020-01-01T00:00:00Z" });

    const outcome = await purge(driver, inEightDays());

    expect((await filesOf(driver)).sort()).toEqual(others);
    expect(outcome.failed).toEqual([]);
    expect(outcome.ids).toEqual([full, begun].sort());
    expect(outcome.purged.find(({ upload }) => upload?.uuid === full)).toMatchObject({
      upload: { repository: "team/app", uuid: full },
      path: uploadPath("team/app", full),
      started: { kind: "told", ms: Date.UTC(2020, 0, 1) },
      sizeBytes: "12345".length + "2020-01-01T00:00:00Z".length + 2 + 3,
    });
    expect(outcome.strays.first).toContain(uploadPath("team/app", foreign).concat("/notes.txt"));
    await expect(driver.stat(uploadPath("team/app", full))).rejects.toThrow("no such path");
    expect(await purge(driver, inEightDays())).toMatchObject({ purged: [], failed: [] });
  });

  it("removes uploads that do not say when they were begun, or say nonsense", async () => {
    const uploads = [
      await putUpload("a", { data: "x" }),
      await putUpload("a", { data: "x", startedat: "" }),
      await putUpload("a", { data: "x", startedat: "yesterday" }),
      await putUpload("a", { data: "x", startedat: "x".repeat(10_000) }),
      await putUpload("a", { data: "x", startedat: "2199-01-01T00:00:00Z" }),
      await putUpload("a", { "hashstates/sha256/0": "x" }),
    ];
    const outcome = await purge(driver, inEightDays());
    expect(outcome.ids).toEqual(uploads.sort());
    expect(await filesOf(driver)).toEqual([]);
  });

  it("keeps what was written to lately, whatever its start time says", async () => {
    await putUpload("a", { data: "x", startedat: "2020-01-01T00:00:00Z" });
    const before = await filesOf(driver);
    expect(await purge(driver, {})).toMatchObject({ found: 1, kept: 1, purged: [] });
    expect(await filesOf(driver)).toEqual(before);
  });

  it("keeps what was begun lately by its own word, however old its files look", async () => {
    const { nowMs } = inEightDays();
    await putUpload("a", { data: "x", startedat: new Date(nowMs - DAY).toISOString() });
    expect(await purge(driver, { nowMs })).toMatchObject({ found: 1, kept: 1, purged: [] });
    expect(await filesOf(driver)).toHaveLength(2);
  });

  it("tells in a dry run exactly what a real one does, and changes nothing", async () => {
    await putUpload("a", { data: "x", startedat: "2020-01-01T00:00:00Z" });
    await putUpload("b/c", { data: "xyz" });
    const before = await filesOf(driver);
    const now = inEightDays();
    const planned = await purge(driver, { ...now, dryRun: true });
    expect(await filesOf(driver)).toEqual(before);
    expect(planned.purged).toHaveLength(2);
    expect(await purge(driver, now)).toEqual(planned);
  });

  it("does nothing in a store that has nothing", async () => {
    expect(await purge(driver)).toMatchObject({ found: 0, kept: 0, purged: [], failed: [] });
  });

  it("leaves alone what somebody is writing, and holds the others while it removes them", async () => {
    const busy = await putUpload("a", { data: "x" });
    const free = await putUpload("a", { data: "x" });
    const events: string[] = [];
    const outcome = await purge(driver, {
      ...inEightDays(),
      concurrency: 1,
      hold: ({ uuid }) => {
        events.push(`asked for ${uuid}`);
        return uuid === busy ? undefined : () => events.push(`let go of ${uuid}`);
      },
      onPurged: ({ upload }) => events.push(`purged ${upload?.uuid}`),
    });
    expect(outcome).toMatchObject({ found: 2, kept: 1 });
    expect(await filesOf(driver)).toEqual([uploadDataPath("a", busy)]);
    expect(events).toContain(`asked for ${busy}`);
    const ofFree = events.filter((event) => event.endsWith(free));
    expect(ofFree).toEqual([`asked for ${free}`, `purged ${free}`, `let go of ${free}`]);
  });

  it("finishes, the next time, what it could not remove, and tells of it", async () => {
    const stuck = await putUpload("a", { data: "x", startedat: "2020-01-01T00:00:00Z" });
    const other = await putUpload("a", { data: "x" });
    const data = uploadDataPath("a", stuck);
    const refusing = wrapDriver(driver, {
      call: async (call, run) => {
        if (call.method === "delete" && call.path === data) throw new StorageUnavailableError("denied");
        return run();
      },
      without: ["deleteMany"],
    });
    const outcome = await purge(refusing, inEightDays());
    expect(outcome.ids).toEqual([other]);
    expect(outcome.failed).toEqual([{ path: data, error: "denied" }]);
    expect(await filesOf(driver)).toEqual([data]);

    expect((await purge(driver, inEightDays())).ids).toEqual([stuck]);
    expect(await filesOf(driver)).toEqual([]);
  });

  it("leaves after a death at any moment only what the next run removes", async () => {
    await pushImage(new Registry(driver).repository("a"), "config", ["v1"]);
    const others = (await filesOf(driver)).sort();
    for (let calls = 0, isOver = false; !isOver; calls++) {
      await putUpload("a", { data: "x", startedat: "2020-01-01T00:00:00Z", "hashstates/sha256/1": "h" });
      let left = calls;
      const die = <T>(run: () => T): T => {
        if (left-- <= 0) throw new Error("dead");
        return run();
      };
      const mortal = wrapDriver(driver, {
        call: async (_call, run) => die(run),
        callSync: (_call, run) => die(run),
      });
      await purge(mortal, { ...inEightDays(), concurrency: 1 }).catch(() => undefined);
      isOver = left >= 0;
      await purge(driver, inEightDays());
      expect((await filesOf(driver)).sort()).toEqual(others);
    }
  });

  it("may be done by several at a time", async () => {
    const uploads = await Promise.all(
      Array.from({ length: 20 }, () => putUpload("a", { data: "x", startedat: "2020-01-01T00:00:00Z" })),
    );
    const [left, right] = await Promise.all([purge(driver, inEightDays()), purge(driver, inEightDays())]);
    expect([...left.failed, ...right.failed]).toEqual([]);
    expect(new Set([...left.ids, ...right.ids])).toEqual(new Set(uploads));
    expect(await filesOf(driver)).toEqual([]);
  });

  it("stops between two uploads when it is asked to", async () => {
    for (let count = 0; count < 3; count++) await putUpload("a", { data: "x" });
    const stop = new AbortController();
    const stopped = purge(driver, {
      ...inEightDays(),
      concurrency: 1,
      signal: stop.signal,
      onPurged: () => stop.abort(),
    });
    await expect(stopped).rejects.toThrow(CancelledError);
    expect(await filesOf(driver)).toHaveLength(2);
  });
});

describe("purging uploads", () => {
  const now = Date.now();
  let driver: AgedMemoryDriver;

  beforeEach(() => {
    driver = new AgedMemoryDriver();
  });

  it("looks again right before it removes: an upload that goes on meanwhile stays", async () => {
    const uuid = randomUUID();
    const data = uploadDataPath("a", uuid);
    await driver.putAt(data, "x", now - 8 * DAY);
    const goOn = (): (() => void) => {
      driver.times.set(data, now);
      return () => {};
    };
    expect(await purge(driver, { nowMs: now, hold: goOn })).toMatchObject({ kept: 1, purged: [] });
    expect(await filesOf(driver)).toEqual([data]);
  });

  it("counts the age from the last file that was written", async () => {
    const uuid = randomUUID();
    await driver.putAt(uploadStartedAtPath("a", uuid), "2020-01-01T00:00:00Z", now - 30 * DAY);
    await driver.putAt(uploadDataPath("a", uuid), "x", now - 30 * DAY);
    await driver.putAt(`${uploadPath("a", uuid)}/hashstates/sha256/1`, "h", now - 6 * DAY);
    expect(await purge(driver, { nowMs: now })).toMatchObject({ kept: 1, purged: [] });
    expect((await purge(driver, { nowMs: now, olderThanMs: 5 * DAY })).ids).toEqual([uuid]);
  });

  it("goes on where a folder cannot be listed, and fails where nothing can", async () => {
    const uuid = randomUUID();
    await driver.putAt(uploadDataPath("good", uuid), "x", now - 8 * DAY);
    await driver.putAt(uploadDataPath("bad", randomUUID()), "x", now - 8 * DAY);
    const denying = (part: string): StorageDriver =>
      withoutAbilities(
        wrapDriver(driver, {
          call: async (call, run) => {
            if (call.method === "list" && call.path.endsWith(part))
              throw new StorageUnavailableError("denied");
            return run();
          },
        }),
      );
    const outcome = await purge(denying("/bad"), { nowMs: now });
    expect(outcome.ids).toEqual([uuid]);
    expect(outcome.failed).toEqual([{ path: "/docker/registry/v2/repositories/bad", error: "denied" }]);
    await expect(purge(denying("/repositories"), { nowMs: now })).rejects.toThrow(StorageUnavailableError);
  });
});
