import { describe, expect, it } from "vitest";
import { printable } from "../../../src/lib/printable.ts";

describe("printable", () => {
  it("replaces what could command a terminal, and keeps line ends and letters", () => {
    expect(printable("é\u001b[31mred\r\u0007\u009b\u007f\nnext")).toBe("é?[31mred????\nnext");
  });
});
