import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LeaseLog } from "../../../src/state/lease-log.ts";
import { WrittenLeases } from "../../../src/state/written-leases.ts";
import { silentLogger } from "../../support/silent-logger.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const A = `sha256:${"a".repeat(64)}`;
const B = `app@sha256:${"b".repeat(64)}`;

describe("WrittenLeases", () => {
  let parent: string;
  let folder: string;
  let now: number;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "registry-ctl-written-"));
    folder = join(parent, "leases");
    now = 500_000 * HOUR_MS;
  });

  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  const options = (leaseMs = DAY_MS) => ({ folder, leaseMs, logger: silentLogger, now: () => now });

  it("knows what processes wrote before it began, and after a refresh what they wrote since", () => {
    const log = new LeaseLog(options());
    log.lease([A]);
    log.flush();
    const written = new WrittenLeases(options());
    expect([written.has(A), written.has(B)]).toEqual([true, false]);
    log.lease([B]);
    log.flush();
    expect(written.has(B)).toBe(false);
    written.refresh();
    expect(written.has(B)).toBe(true);
  });

  it("reads on where a torn entry stood when that is whole", () => {
    mkdirSync(folder);
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(0xaaaaaaaa, 0);
    bytes.writeUInt32LE(0xaaaaaaaa, 4);
    const path = join(folder, `${now}-00.leases`);
    writeFileSync(path, bytes.subarray(0, 5));
    const written = new WrittenLeases(options());
    expect(written.has(A)).toBe(false);
    appendFileSync(path, bytes.subarray(5));
    written.refresh();
    expect(written.has(A)).toBe(true);
  });

  it("forgets and removes what has ended, by the lease time that is set", () => {
    const log = new LeaseLog(options(60_000));
    log.lease([A]);
    log.flush();
    const written = new WrittenLeases(options(60_000));
    now += 60_000;
    expect(written.has(A)).toBe(true);
    now += 2_500;
    expect([written.has(A), log.has(A)]).toEqual([false, false]);
    written.refresh();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("holds no lease where none is wanted", () => {
    const log = new LeaseLog(options(0));
    log.lease([A]);
    expect(log.has(A)).toBe(false);
  });

  it("reads the hours of files that earlier versions have named", () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "500000-0a.leases"), Buffer.alloc(8, 0xaa));
    expect(new WrittenLeases(options()).has(A)).toBe(true);
  });

  it("goes on without a folder, or with one that cannot be read", () => {
    expect(new WrittenLeases({ ...options(), folder: undefined }).has(A)).toBe(false);
    writeFileSync(folder, "in the way");
    expect(new WrittenLeases(options()).has(A)).toBe(false);
  });
});
