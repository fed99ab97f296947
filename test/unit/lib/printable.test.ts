import { describe, expect, it } from "vitest";
import { printable, printableLine } from "../../../src/lib/printable.ts";

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
