import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkRepositoryName,
  checkTag,
  InvalidReferenceError,
  isRepositoryName,
  isTag,
} from "../../../src/oci/reference.ts";

describe("a repository name", () => {
  it.each(["a", "library/busybox", "a.b_c__d-e---f/0", "1/2/3", "a".repeat(255)])("may be %s", (name) => {
    expect(isRepositoryName(name)).toBe(true);
    expect(() => checkRepositoryName(name)).not.toThrow();
  });

  it.each([
    ["", "it is empty"],
    ["a".repeat(256), "it has 256 characters, at most 255 are allowed"],
    ["Library/x", "upper-case letters are not allowed"],
    ["a//b", "it has an empty path component"],
    ["/a", "it has an empty path component"],
    ["a/", "it has an empty path component"],
    ["a/_manifests", "leading underscore"],
    ["a-/b", "trailing hyphen"],
    ["a..b", 'component "a..b"'],
    ["../a", 'component ".."'],
    ["a___b", 'component "a___b"'],
    ["a b", 'component "a b"'],
    ["a\n", "component"],
    ["ä", "component"],
  ])("is refused if it is %j, and why is said", (name, reason) => {
    expect(isRepositoryName(name)).toBe(false);
    expect(() => checkRepositoryName(name)).toThrow(InvalidReferenceError);
    expect(() => checkRepositoryName(name)).toThrow(reason);
  });

  it("never has a part that means something in a path or in the storage layout", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "0", ".", "_", "-", "/"), maxLength: 12 });
    fc.assert(
      fc.property(text, (name) => {
        fc.pre(isRepositoryName(name));
        for (const part of name.split("/")) expect(part).toMatch(/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/);
        expect(name).not.toContain("..");
      }),
      { numRuns: 500 },
    );
  });

  it("is checked in little time, however it is made", () => {
    expect(isRepositoryName(`${"a-".repeat(127)}!`)).toBe(false);
    expect(isRepositoryName(`${"a".repeat(254)}!`)).toBe(false);
    expect(isRepositoryName("-".repeat(1_000_000))).toBe(false);
  });
});

describe("a tag", () => {
  it("is 1 to 128 letters, digits, underscores, dots and hyphens, the first no dot or hyphen", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "Z", "0", "_", ".", "-", "/", "\n"), maxLength: 6 }),
        (text) => {
          const expected = /^\w[\w.-]*$/.test(text) && !text.includes("\n");
          expect(isTag(text)).toBe(expected);
          if (expected) expect(() => checkTag(text)).not.toThrow();
          else expect(() => checkTag(text)).toThrow(InvalidReferenceError);
        },
      ),
      { numRuns: 500 },
    );
    expect(isTag("a".repeat(128))).toBe(true);
    expect(isTag("a".repeat(129))).toBe(false);
  });
});
