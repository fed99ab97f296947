import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { coloursFor } from "../../../src/ui/colour.ts";

const terminal = Object.assign(new PassThrough(), { isTTY: true });

describe("coloursFor", () => {
  it("colours on a terminal", () => {
    expect(coloursFor(terminal, { env: { TERM: "xterm" }, noColor: false }).error("x")).toBe(
      "\u001B[31mx\u001B[39m",
    );
  });

  it.each([
    ["a pipe", new PassThrough(), {}, false],
    ["NO_COLOR", terminal, { NO_COLOR: "1" }, false],
    ["TERM=dumb", terminal, { TERM: "dumb" }, false],
    ["--no-color", terminal, {}, true],
  ])("leaves text alone with %s", (_, stream, env, noColor) => {
    expect(coloursFor(stream, { env, noColor }).warning("x")).toBe("x");
  });

  it("takes an empty NO_COLOR for unset", () => {
    expect(coloursFor(terminal, { env: { NO_COLOR: "" }, noColor: false }).strong("x")).not.toBe("x");
  });
});
