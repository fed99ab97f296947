import { describe, expect, it } from "vitest";
import {
  afterStop,
  type CertificateLife,
  type Failures,
  nextOrderMs,
  oneMoreFailure,
  plausibleFailures,
} from "../../../../src/process/letsencrypt/renewal-policy.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NONE: Failures = { count: 0, nextTryMs: 0 };

function life(days: number, more: Partial<CertificateLife> = {}): CertificateLife {
  return { validFromMs: 0, validToMs: days * DAY, unfit: false, ...more };
}

/** Hours at which something is tried, if every try fails at once. */
function tries(hours: number, reached: boolean): number[] {
  const at: number[] = [];
  let failures = NONE;
  for (let nowMs = 0; nowMs < hours * HOUR; nowMs = failures.nextTryMs) {
    at.push(nowMs / HOUR);
    failures = oneMoreFailure(failures, nowMs, reached);
  }
  return at;
}

describe("a certificate", () => {
  it("is renewed 30 days before its end", () => {
    expect(nextOrderMs(life(90), NONE)).toBe(60 * DAY);
    expect(nextOrderMs(life(365), NONE)).toBe(335 * DAY);
  });

  it("is renewed after two thirds of a short life, and not as soon as it comes", () => {
    expect(nextOrderMs(life(6), NONE)).toBe(4 * DAY);
    expect(nextOrderMs(life(45), NONE)).toBe(30 * DAY);
  });

  it("is ordered at once if there is none, or one for others", () => {
    expect(nextOrderMs(undefined, NONE)).toBe(0);
    expect(nextOrderMs(life(90, { unfit: true }), NONE)).toBe(0);
  });

  it("is not ordered before the next try after a failure, due or not", () => {
    expect(nextOrderMs(undefined, { count: 1, nextTryMs: HOUR })).toBe(HOUR);
    expect(nextOrderMs(life(90), { count: 1, nextTryMs: HOUR })).toBe(60 * DAY);
  });
});

describe("failures", () => {
  it("lead to a few tries a day, two a day in the long run", () => {
    expect(tries(24, true)).toEqual([0, 1, 5, 13]);
    expect(tries(24 * 8, true).filter((hour) => hour >= 24)).toHaveLength(14);
  });

  it("to reach the authority lead to tries soon, and to four a day in the long run", () => {
    expect(tries(1, false).map((hour) => hour * 60)).toEqual([0, 5, 15, 35]);
    expect(tries(24 * 8, false).filter((hour) => hour >= 24)).toHaveLength(28);
  });

  it("are not counted where the server stopped, but a start at once does not order at once", () => {
    expect(afterStop({ count: 2, nextTryMs: 5 }, 1_000)).toEqual({ count: 2, nextTryMs: 61_000 });
  });

  it("of a clock that was years ahead put nothing off for years", () => {
    expect(plausibleFailures({ count: 3, nextTryMs: 900 * DAY }, 0)).toEqual({
      count: 3,
      nextTryMs: 12 * HOUR,
    });
    expect(plausibleFailures({ count: 3, nextTryMs: HOUR }, 0)).toEqual({ count: 3, nextTryMs: HOUR });
  });
});
