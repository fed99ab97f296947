import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Logger } from "../../../src/lib/logger.ts";
import { LeaseLog } from "../../../src/state/lease-log.ts";

const HOUR_MS = 3_600_000;
const START_MS = 500_000 * HOUR_MS;

function digest(character: string): string {
  return `sha256:${character.repeat(64)}`;
}

describe("LeaseLog", () => {
  let parent: string;
  let folder: string;
  let now: number;
  let warnings: string[];
  let logger: Logger;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "registry-ctl-leases-"));
    folder = join(parent, "leases");
    now = START_MS;
    warnings = [];
    const nothing = () => {};
    logger = {
      error: nothing,
      warn: (message) => warnings.push(message),
      info: nothing,
      debug: nothing,
      trace: nothing,
      child: () => logger,
    };
  });

  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  function open(): LeaseLog {
    return new LeaseLog({ folder, logger, now: () => now });
  }

  function fileSizes(): number[] {
    return readdirSync(folder).map((name) => readFileSync(join(folder, name)).length);
  }

  it("is known to a later process once it is flushed, without having been closed", () => {
    const log = open();
    log.lease([digest("a"), `repo@${digest("b")}`]);
    log.flush();
    const later = open();
    expect(later.has(digest("a"))).toBe(true);
    expect(later.has(`repo@${digest("b")}`)).toBe(true);
    expect(later.has(digest("b"))).toBe(false);
    expect(later.has(digest("c"))).toBe(false);
  });

  it("writes a key once in an hour, 8 bytes each, and nothing where nothing is new", () => {
    const log = open();
    for (let round = 0; round < 3; round++) {
      log.lease([digest("a"), digest("b")]);
      log.flush();
    }
    expect(fileSizes()).toEqual([16]);
    now += HOUR_MS;
    log.lease([digest("a")]);
    log.flush();
    expect(fileSizes().sort((left, right) => left - right)).toEqual([8, 16]);
  });

  it("does not write into the file of another process", () => {
    const one = open();
    const two = open();
    one.lease([digest("a")]);
    two.lease([digest("b")]);
    one.flush();
    two.flush();
    expect(fileSizes()).toEqual([8, 8]);
  });

  it("removes files whose leases have ended, and no other", () => {
    const log = open();
    log.lease([digest("a")]);
    log.flush();
    writeFileSync(join(folder, "notes.txt"), "");
    now += 24 * HOUR_MS;
    expect(open().has(digest("a"))).toBe(true);
    now += HOUR_MS;
    expect(open().has(digest("a"))).toBe(false);
    expect(readdirSync(folder)).toEqual(["notes.txt"]);
  });

  it("reads what stands before a torn entry", () => {
    const log = open();
    log.lease([digest("a"), digest("b")]);
    log.flush();
    const [name = ""] = readdirSync(folder);
    writeFileSync(join(folder, name), readFileSync(join(folder, name)).subarray(0, 13));
    const later = open();
    expect(later.has(digest("a"))).toBe(true);
    expect(later.has(digest("b"))).toBe(false);
  });

  it("keeps leases in memory and warns once while its folder takes nothing, then writes them", () => {
    const log = open();
    rmSync(folder, { recursive: true });
    log.lease([digest("a")]);
    log.flush();
    now += 2_000;
    log.lease([digest("b")]);
    log.flush();
    expect(log.incomplete).toBe(true);
    expect(warnings).toHaveLength(1);
    expect(log.has(digest("a"))).toBe(true);
    mkdirSync(folder);
    now += 2_000;
    log.flush();
    expect(log.incomplete).toBe(false);
    expect(open().has(digest("a"))).toBe(true);
    expect(open().has(digest("b"))).toBe(true);
  });

  it("does not ask a disk that has just refused again for every answer", () => {
    const log = open();
    rmSync(folder, { recursive: true });
    log.lease([digest("a")]);
    log.flush();
    mkdirSync(folder);
    log.flush();
    expect(readdirSync(folder)).toEqual([]);
    now += 1_000;
    log.flush();
    expect(fileSizes()).toEqual([8]);
  });

  it("works in memory where its folder cannot be made", () => {
    writeFileSync(join(parent, "file"), "");
    folder = join(parent, "file", "leases");
    const log = open();
    log.lease([digest("a")]);
    log.flush();
    log.close();
    expect(log.has(digest("a"))).toBe(true);
    expect(warnings).toHaveLength(1);
  });

  it("keeps its files from other users", () => {
    const log = open();
    log.lease([digest("a")]);
    log.close();
    const [name = ""] = readdirSync(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it("writes nothing without a folder", () => {
    const log = new LeaseLog({ folder: undefined, logger, now: () => now });
    log.lease([digest("a")]);
    log.flush();
    expect(log.has(digest("a"))).toBe(true);
    expect(readdirSync(parent)).toEqual([]);
  });
});
