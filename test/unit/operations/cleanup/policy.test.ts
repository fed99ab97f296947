import { expect, it } from "vitest";
import { nextRunMs, policySpanMs } from "../../../../src/operations/cleanup/policy.ts";

it.each([
  ["7d", 7 * 24],
  ["90d", 90 * 24],
  ["12h", 12],
  ["1month", 30 * 24],
  ["3month", 90 * 24],
  ["0d", 0],
])("%s is %d hours", (text, hours) => {
  expect(policySpanMs(text)).toBe(hours * 3_600_000);
});

it.each(["", "d", "7", "7 d", "-1d", "1.5d", "1m", "1y", "7D", "1months"])("%j is no span", (text) => {
  expect(policySpanMs(text)).toBeUndefined();
});

it.each([
  ["1d", "2026-03-28T23:00:00Z", "2026-03-29T23:00:00Z"],
  ["1month", "2026-01-31T00:00:00Z", "2026-03-02T00:00:00Z"],
  ["1month", "2028-01-31T00:00:00Z", "2028-03-01T00:00:00Z"],
  ["3month", "2025-11-30T08:00:00Z", "2026-02-28T08:00:00Z"],
] as const)("with a cadence of %s, runs after %s next at %s", (cadence, ran, next) => {
  expect(new Date(nextRunMs(cadence, Date.parse(ran))).toISOString()).toBe(new Date(next).toISOString());
});
