import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors.ts";
import { compilePattern, hasOpenAlternation, InvalidPatternError } from "../../../src/lib/re2-pattern.ts";

function faultOf(text: string): InvalidPatternError {
  try {
    compilePattern(text, { anchored: "whole" });
  } catch (error) {
    if (error instanceof InvalidPatternError) return error;
    throw error;
  }
  throw new Error(`${text} compiled`);
}

describe("whole names", () => {
  it.each([
    ["v.*", "v1", true],
    ["v.*", "dev1", false],
    ["v1", "v1-rc", false],
    ["main|prod", "main-2", false],
    ["main|prod", "prod", true],
    ["a|ab", "ab", true],
    ["(?i)V\\d+", "v12", true],
    ["", "v1", false],
    ["", "", true],
    ["[0-9a-f]{7,40}", "deadbee", true],
    ["[0-9a-f]{7,40}", "deadbe", false],
  ])("%j on %j is %j", (pattern, name, expected) => {
    expect(compilePattern(pattern, { anchored: "whole" }).test(name)).toBe(expected);
  });
});

describe("anywhere in the name", () => {
  it("needs no anchors", () => {
    expect(compilePattern("rc", { anchored: "none" }).test("v1-rc2")).toBe(true);
    expect(compilePattern("^rc", { anchored: "none" }).test("v1-rc2")).toBe(false);
  });
});

describe("GitLab's anchors, without a group", () => {
  it.each([
    ["main|prod", "main", true],
    ["main|prod", "main-2", true],
    ["main|prod", "not-prod", true],
    ["main|prod", "not-main", false],
    ["a|b|c", "xbx", true],
    ["(?:main|prod)", "main-2", false],
    ["(?:main|prod)", "prod", true],
    ["(?i)main", "MAIN", true],
    [".*", "anything", true],
    ["", "v1", false],
    ["\\Qa.b", "a.b", false],
    ["v\\d+", "v12", true],
    ["v\\d+", "v12-rc", false],
  ])("%j on %j is %j", (pattern, name, expected) => {
    expect(compilePattern(pattern, { anchored: "gitlab" }).test(name)).toBe(expected);
  });

  it("refuses what does not compile alone though it would between the anchors", () => {
    expect(() => compilePattern("v1\\", { anchored: "gitlab" })).toThrow(InvalidPatternError);
  });

  it("says where a whole match and GitLab's differ", () => {
    expect(hasOpenAlternation("main|prod")).toBe(true);
    expect(hasOpenAlternation("(a|b)|c")).toBe(true);
    expect(hasOpenAlternation("(?:main|prod)")).toBe(false);
    expect(hasOpenAlternation("main\\|prod")).toBe(false);
    expect(hasOpenAlternation("[a|b]")).toBe(false);
    expect(hasOpenAlternation("[]|]")).toBe(false);
    expect(hasOpenAlternation("[^]|]x")).toBe(false);
    expect(hasOpenAlternation("[[:alpha:]|]x")).toBe(false);
    expect(hasOpenAlternation("\\Qa|b\\E")).toBe(false);
    expect(hasOpenAlternation("\\Qa|b\\E|c")).toBe(true);
  });

  it("agrees with a whole match for every pattern without an open alternation", () => {
    const piece = fc.constantFrom("a", "b", ".", "a*", "(a|b)", "[ab]+", "\\w", "|", "(?:ab|)");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.stringMatching(/^[abc]{1,5}$/), (pieces, name) => {
        const pattern = pieces.join("");
        const whole = compilePattern(pattern, { anchored: "whole" }).test(name);
        const gitlab = compilePattern(pattern, { anchored: "gitlab" }).test(name);
        if (!hasOpenAlternation(pattern)) expect(gitlab).toBe(whole);
        else if (whole) expect(gitlab).toBe(true);
        const grouped = compilePattern(`(?:${pattern})`, { anchored: "gitlab" }).test(name);
        expect(grouped).toBe(whole);
      }),
    );
  });
});

describe("patterns that RE2 does not take", () => {
  it.each([
    ["abc(def", 3],
    ["a(b)c(d(e)", 5],
    ["ab)c", 2],
    ["(a))", 3],
    ["x[ab", 1],
    ["\\**x**", 4],
    ["*x", 0],
    ["ab{2,1}", 2],
    ["x{1001}", 1],
    ["ab(?=c)", 2],
    ["v(?<=a)b", 1],
    ["v\\", 1],
    ["(a)\\1", 3],
    ["a[z-a]", 2],
    ["[[:foo:]]", 1],
    ["\\p{Nope}", 0],
    ["(?P<n>a)(?P<n>b)", 11],
  ])("%j is wrong at offset %j", (pattern, offset) => {
    const fault = faultOf(pattern);
    expect(fault.offset).toBe(offset);
    expect(fault).toBeInstanceOf(UsageError);
    expect(fault.message).toContain(`at character ${offset + 1}`);
    expect(fault.message).toContain(JSON.stringify(pattern));
    expect(fault.hint).toBeTruthy();
  });

  it("is the same kind of error for any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          compilePattern(text, { anchored: "gitlab" });
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidPatternError);
          if (!(error instanceof InvalidPatternError)) throw error;
          expect(error.offset).toBeGreaterThanOrEqual(0);
          expect(error.offset).toBeLessThanOrEqual(text.length);
        }
      }),
    );
  });
});

it("takes linear time where backtracking would not end", () => {
  const pattern = compilePattern("(a*)*b", { anchored: "whole" });
  expect(pattern.test("a".repeat(128))).toBe(false);
});
