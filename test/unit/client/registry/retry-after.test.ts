import { describe, expect, it } from "vitest";
import { retryAfterOf } from "../../../../src/client/registry/retry-after.ts";

const NOW = Date.parse("2024-05-01T12:00:00Z");

describe("Retry-After", () => {
  const of = (text: string | undefined, date?: string): number | undefined =>
    retryAfterOf({ ...(text === undefined ? {} : { "retry-after": text }), ...(date ? { date } : {}) }, NOW);

  it("is a number of seconds", () => {
    expect([of("0"), of("7"), of(" 30 ")]).toEqual([0, 7000, 30_000]);
  });

  it("is a date, which counts from the answer's own", () => {
    expect(of("Wed, 01 May 2024 12:00:20 GMT")).toBe(20_000);
    expect(of("Wed, 01 May 2024 15:00:20 GMT", "Wed, 01 May 2024 15:00:00 GMT")).toBe(20_000);
    expect(of("Wed, 01 May 2024 11:00:00 GMT")).toBe(0);
  });

  it("is no more than a quarter of an hour, and nothing that cannot be read", () => {
    expect(of("99999999999")).toBe(900_000);
    expect(of("Thu, 01 May 2025 12:00:00 GMT")).toBe(900_000);
    expect([of(undefined), of(""), of("soon")]).toEqual([undefined, undefined, undefined]);
  });
});
