import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  digestAlgorithm,
  digestHex,
  digestOf,
  InvalidDigestError,
  isDigest,
  parseDigest,
} from "../../../src/oci/digest.ts";

const HEX = "0123456789abcdef";

describe("a digest", () => {
  it.each(["sha256", "sha512"] as const)("of %s names algorithm and hash of the bytes", (algorithm) => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const digest = digestOf(bytes, algorithm);
        expect(isDigest(digest)).toBe(true);
        expect(digestAlgorithm(digest)).toBe(algorithm);
        expect(digestHex(digest)).toBe(createHash(algorithm).update(bytes).digest("hex"));
        expect(parseDigest(digest)).toBe(digest);
      }),
    );
  });

  it("of nothing is the well-known one", () => {
    expect(digestOf(new Uint8Array())).toBe(
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });

  it.each([
    ["no algorithm", HEX.repeat(4)],
    ["an unknown algorithm", `md5:${HEX.repeat(2)}`],
    ["an inherited name as algorithm", `constructor:${HEX.repeat(4)}`],
    ["upper case", `sha256:${HEX.repeat(4).toUpperCase()}`],
    ["too short", `sha256:${HEX.repeat(3)}`],
    ["too long", `sha256:${HEX.repeat(4)}0`],
    ["the length of another algorithm", `sha512:${HEX.repeat(4)}`],
    ["no hexadecimal digits", `sha256:${"g".repeat(64)}`],
    ["characters beyond ASCII whose low bits are digits", `sha256:${"\u00b0\u0130\u0161\u2061".repeat(16)}`],
    ["one wrong digit at the end", `sha256:${HEX.repeat(4).slice(1)}g`],
    ["one wrong digit at the beginning", `sha512:/${HEX.repeat(8).slice(1)}`],
    ["a line end", `sha256:${HEX.repeat(4)}\n`],
    ["a path", `sha256:../../${HEX.repeat(4)}`.slice(0, 71)],
    ["two colons", `sha256::${HEX.repeat(4)}`.slice(0, 71)],
    ["nothing", ""],
  ])("is refused with %s", (_what, text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(InvalidDigestError);
  });

  it("is refused without the whole of a huge text in the message", () => {
    expect(() => parseDigest("x".repeat(100_000))).toThrow(/^.{0,400}$/);
  });

  it("is any lower-case hexadecimal text of the right length and nothing else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isDigest(text)).toBe(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text));
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{64}$/), (hex) => {
        expect(isDigest(`sha256:${hex}`)).toBe(true);
        expect(isDigest(`sha512:${hex}${hex}`)).toBe(true);
      }),
    );
  });
});
