import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonDepth, mayNestDeeper } from "../../../src/oci/json-depth.ts";

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

describe("the depth of JSON", () => {
  it("is that of the parsed value, whatever strings contain", () => {
    const text = fc.string({ unit: fc.constantFrom("{", "[", "]", "}", '"', "\\", "a", "é") });
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        text,
        fc.integer(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(text, tie("value"), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.boolean(), (json, isSpaced) => {
        const written = JSON.stringify(json, null, isSpaced ? 2 : 0);
        expect(jsonDepth(bytesOf(written), 100)).toBe(depthOf(json));
      }),
      { numRuns: 300 },
    );
  });

  it("is counted up to the limit and no further", () => {
    const nested = (depth: number) => bytesOf("[".repeat(depth) + "]".repeat(depth));
    expect(jsonDepth(nested(64), 64)).toBe(64);
    expect(jsonDepth(nested(65), 64)).toBe(65);
    expect(jsonDepth(nested(100_000), 64)).toBe(65);
  });

  it("is some number for text that is no JSON", () => {
    for (const text of ["", '"', '"\\', "]]]][", "}{", '{"a']) {
      expect(jsonDepth(bytesOf(text), 5)).toBeGreaterThanOrEqual(0);
    }
  });

  it("does not sink below zero by brackets that close nothing, so that what follows counts too little", () => {
    expect(jsonDepth(bytesOf(`${"]".repeat(100)}${"[".repeat(100)}`), 64)).toBe(65);
  });
});

describe("the quick look at the depth of JSON", () => {
  it("never says that text is shallow which is not, whatever the text", () => {
    const text = fc.string({ unit: fc.constantFrom("{", "[", "]", "}", '"', "\\", "a"), maxLength: 40 });
    fc.assert(
      fc.property(text, fc.nat(5), (json, limit) => {
        if (jsonDepth(bytesOf(json), limit) > limit) expect(mayNestDeeper(json, limit)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(mayNestDeeper(`${"[".repeat(32)}${"{".repeat(32)}`, 63)).toBe(true);
  });

  it("says of text with few brackets that it is shallow", () => {
    expect(mayNestDeeper('{"a":[{}]}', 3)).toBe(false);
    expect(mayNestDeeper("", 0)).toBe(false);
  });
});
