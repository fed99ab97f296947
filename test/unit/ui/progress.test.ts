import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { startProgress } from "../../../src/ui/progress.ts";

describe("startProgress", () => {
  it("writes plain lines where there is no terminal, and not every one", () => {
    const stream = new PassThrough();
    const progress = startProgress("listing", stream);
    progress.update("listing 1");
    progress.update("listing 2");
    progress.stop();
    expect(String(stream.read())).toBe("listing\n");
  });

  it.each([
    ["that has no width", 0, false],
    ["that cannot go back on a line", 80, true],
  ])("writes plain lines to a terminal %s", (_, columns, isDumb) => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns });
    const progress = startProgress("listing", stream, { isDumb });
    progress.stop();
    expect(String(stream.read())).toBe("listing\n");
  });
});
