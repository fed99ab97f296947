import { describe, expect, it } from "vitest";
import { leasePrefix } from "../../../src/state/lease-key.ts";
import { LeaseTable } from "../../../src/state/lease-table.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("LeaseTable", () => {
  it("keeps a lease for at least 24 hours and forgets it an hour later", () => {
    let now = 1_000 * HOUR_MS + HOUR_MS - 1;
    const table = new LeaseTable(DAY_MS, () => now);
    table.add(leasePrefix(DIGEST));
    now += 24 * HOUR_MS;
    expect(table.has(leasePrefix(DIGEST))).toBe(true);
    now += HOUR_MS;
    expect(table.has(leasePrefix(DIGEST))).toBe(false);
  });

  it("takes a lease again in the next hour, so that it lasts longer", () => {
    let now = 1_000 * HOUR_MS;
    const table = new LeaseTable(DAY_MS, () => now);
    expect(table.add(leasePrefix(DIGEST))).toBe(true);
    expect(table.add(leasePrefix(DIGEST))).toBe(false);
    now += HOUR_MS;
    expect(table.add(leasePrefix(DIGEST))).toBe(true);
    now += 24 * HOUR_MS;
    expect(table.has(leasePrefix(DIGEST))).toBe(true);
  });
});

describe("leasePrefix", () => {
  it("takes the first 16 digits of a digest", () => {
    expect(leasePrefix(DIGEST)).toEqual({ high: 0x01234567, low: 0x89abcdef });
  });

  it("tells a blob from a repository's link to it, and the links of two repositories", () => {
    const prefixes = [DIGEST, `one@${DIGEST}`, `two@${DIGEST}`].map((key) =>
      JSON.stringify(leasePrefix(key)),
    );
    expect(new Set(prefixes).size).toBe(3);
  });

  it("never changes, because files keep it", () => {
    expect(leasePrefix(`library/alpine@${DIGEST}`)).toEqual({ high: 2805344401, low: 1541567020 });
  });
});
