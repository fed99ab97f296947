import { describe, expect, it } from "vitest";
import { printable, printableJson, printableLine } from "../../../src/lib/printable.ts";

describe("printable", () => {
  it("replaces what could command a terminal, and keeps line ends and letters", () => {
    expect(printable("é\u001b[31mred\r\u0007\u009b\u007f\nnext")).toBe("é?[31mred????\nnext");
  });

  it("replaces what turns the direction of a text", () => {
    expect(printable("gc\u202etxt.exe\u2066\u2028")).toBe("gc?txt.exe??");
  });
});

describe("printableLine", () => {
  it("makes one line", () => {
    expect(printableLine("a\nstate: idle\u001b")).toBe("a?state: idle?");
  });
});

describe("printableJson", () => {
  it("escapes what JSON lets through, and means the same", () => {
    const value = { tag: "\u001b[31m\u009b31m\u007f\u202e\u2028é😀", "\u2066": ["\n"] };
    const text = printableJson(value);
    expect(text).not.toMatch(/[\p{Cc}\u2028\u202e\u2066]/u);
    expect(text).toContain("é😀");
    expect(JSON.parse(text)).toEqual(value);
  });
});
