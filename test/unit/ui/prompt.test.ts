import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { CancelledError, UsageError } from "../../../src/errors.ts";
import { confirm } from "../../../src/ui/prompt.ts";

function terminal(): { stdin: PassThrough; stderr: PassThrough; signal: AbortSignal; interactive: boolean } {
  return {
    stdin: new PassThrough(),
    stderr: new PassThrough(),
    signal: new AbortController().signal,
    interactive: true,
  };
}

describe("confirm", () => {
  it("goes on at yes", async () => {
    const streams = terminal();
    const answer = confirm("Delete?", streams);
    setTimeout(() => streams.stdin.write("y\n"), 50);
    await expect(answer).resolves.toBeUndefined();
  });

  it.each(["n\n", "\n"])("stops at %j", async (typed) => {
    const streams = terminal();
    const answer = confirm("Delete?", streams);
    setTimeout(() => streams.stdin.write(typed), 50);
    await expect(answer).rejects.toBeInstanceOf(CancelledError);
  });

  it("asks on stderr", async () => {
    const streams = terminal();
    const answer = confirm("Delete everything?", streams);
    setTimeout(() => streams.stdin.write("y\n"), 50);
    await answer;
    expect(String(streams.stderr.read())).toContain("Delete everything?");
  });

  it("stops when the run is cancelled", async () => {
    const controller = new AbortController();
    const answer = confirm("Delete?", { ...terminal(), signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(answer).rejects.toBeInstanceOf(CancelledError);
  });

  it("without a terminal names the option instead of hanging", async () => {
    const refused = confirm("Delete?", { ...terminal(), interactive: false });
    await expect(refused).rejects.toBeInstanceOf(UsageError);
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining("--yes") });
  });
});
