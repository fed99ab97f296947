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

  it("writes plain lines to a terminal that has no width", () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 0 });
    const progress = startProgress("listing", stream);
    progress.stop();
    expect(String(stream.read())).toBe("listing\n");
  });
});
