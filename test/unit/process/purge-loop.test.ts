import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type PurgeLoopOptions, purgeRegularly } from "../../../src/process/purge-loop.ts";
import { uploadDataPath } from "../../../src/registry/paths.ts";
import { acquireStoreLock } from "../../../src/state/store-lock.ts";
import { AgedMemoryDriver } from "../../support/aged-memory-driver.ts";
import { TEST_HOLDER } from "../../support/collect.ts";
import { type LoggedLine, recordingLogger } from "../../support/recording-logger.ts";
import { filesOf } from "../../support/registry-stores.ts";

const HOUR = 3_600_000;

describe("the purging of a server", () => {
  let driver: AgedMemoryDriver;
  let lines: LoggedLine[];
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    driver = new AgedMemoryDriver();
    lines = [];
    stop = new AbortController();
  });

  afterEach(async () => {
    stop.abort();
    await running;
  });

  function start(options: Partial<PurgeLoopOptions> = {}): void {
    running = purgeRegularly({
      settings: { enabled: true, ageMs: 168 * HOUR, intervalMs: 24 * HOUR, dryRun: false },
      driver,
      holder: TEST_HOLDER,
      holdUpload: () => () => {},
      logger: recordingLogger(lines),
      signal: stop.signal,
      random: () => 0,
      ...options,
    });
  }

  /** An upload that was last written to so long ago. */
  async function upload(ageMs: number): Promise<string> {
    const uuid = randomUUID();
    await driver.putAt(uploadDataPath("a/b", uuid), "abc", Date.now() - ageMs);
    return uuid;
  }

  async function logged(message: string): Promise<LoggedLine | undefined> {
    const find = (): LoggedLine | undefined => lines.find((line) => line.message === message);
    await expect.poll(find, { timeout: 10_000 }).toBeDefined();
    return find();
  }
  const DONE = "uploads were looked through for old ones";

  it("removes what is older than the configured age, and says what", async () => {
    const old = await upload(169 * HOUR);
    const young = await upload(167 * HOUR);
    start();
    expect((await logged(DONE))?.fields).toMatchObject({
      found: 2,
      kept: 1,
      purged: 1,
      bytes: 3,
      failures: 0,
    });
    expect(await filesOf(driver)).toEqual([uploadDataPath("a/b", young)]);
    const told = await logged("an old upload is purged");
    expect(told).toMatchObject({ level: "info", fields: { repository: "a/b", upload: old, bytes: 3 } });
  });

  it("only says what it would remove where that is configured", async () => {
    await upload(169 * HOUR);
    start({ settings: { enabled: true, ageMs: 168 * HOUR, intervalMs: HOUR, dryRun: true } });
    await logged(DONE);
    await logged("an old upload would be purged");
    expect(await filesOf(driver)).toHaveLength(1);
  });

  it("leaves alone what a worker is writing", async () => {
    const busy = await upload(169 * HOUR);
    const free = await upload(169 * HOUR);
    const released: string[] = [];
    start({ holdUpload: (uuid) => (uuid === busy ? undefined : () => void released.push(uuid)) });
    await logged(DONE);
    expect(await filesOf(driver)).toEqual([uploadDataPath("a/b", busy)]);
    expect(released).toEqual([free]);
  });

  it("leaves alone what was written to within the last hour, whatever is configured", async () => {
    const young = await upload(HOUR - 60_000);
    await upload(HOUR + 60_000);
    start({ settings: { enabled: true, ageMs: 1000, intervalMs: HOUR, dryRun: false } });
    await logged(DONE);
    expect(await filesOf(driver)).toEqual([uploadDataPath("a/b", young)]);
    expect(lines[0]).toMatchObject({ level: "warn", fields: { ageSeconds: 1 } });
  });

  it("does nothing while a command works on the store", async () => {
    await upload(169 * HOUR);
    const lock = await acquireStoreLock(driver, { ...TEST_HOLDER, pid: 99 }, Date.now);
    start();
    await logged("uploads are not purged now, as somebody else works on the store");
    expect(await filesOf(driver)).toHaveLength(2);
    await lock.release();
  });

  it("goes on after a failure, and purges again and again", async () => {
    const list = driver.scan.bind(driver);
    let calls = 0;
    driver.scan = (path) => {
      calls++;
      if (calls === 1) throw new Error("the store is away");
      return list(path);
    };
    await upload(169 * HOUR);
    start({ settings: { enabled: true, ageMs: 168 * HOUR, intervalMs: 0, dryRun: false } });
    await logged("old uploads cannot be purged");
    await logged("an old upload is purged");
    expect(await filesOf(driver)).toEqual([]);
  });

  it("waits for its first time at random, and ends at once when it is asked to", async () => {
    await upload(169 * HOUR);
    start({ random: () => 0.5 });
    stop.abort();
    await running;
    expect(lines).toEqual([
      { level: "debug", message: "waiting for the next purge of uploads", fields: { seconds: 1800 } },
    ]);
    expect(await filesOf(driver)).toHaveLength(1);
  });
});
