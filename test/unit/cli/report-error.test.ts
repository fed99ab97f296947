import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { renderError } from "../../../src/cli/report-error.ts";
import { ConfigError } from "../../../src/errors.ts";
import { coloursFor } from "../../../src/ui/colour.ts";

const options = {
  json: false,
  verbose: false,
  version: "1.2.3",
  command: "serve",
  colours: coloursFor(new PassThrough(), { env: {}, noColor: false }),
};
const configError = new ConfigError('unknown key "htpp"', {
  hint: "did you mean http?",
  position: { file: "config.yml", line: 3, column: 1 },
});

describe("renderError", () => {
  it("shows a user's mistake as one sentence and what to do, without a stack", () => {
    expect(renderError(configError, options)).toBe(
      'error: config.yml:3:1: unknown key "htpp"\nhint: did you mean http?\n',
    );
  });

  it("does not let a name in a message command the terminal", () => {
    const error = new ConfigError("no \u001b[2J\u009b1m here", { hint: "remove \u0007" });
    expect(renderError(error, options)).toBe("error: no ?[2J?1m here\nhint: remove ?\n");
  });

  it("adds the stack when asked", () => {
    expect(renderError(configError, { ...options, verbose: true })).toContain("report-error.test.ts");
  });

  it("shows stack, causes and version of an error that nobody expected", () => {
    const text = renderError(new TypeError("x is not a function", { cause: new Error("deeper") }), options);
    expect(text).toContain("unexpected error: x is not a function");
    expect(text).toContain("caused by: Error: deeper");
    expect(text).toContain("registry-ctl 1.2.3 (command: serve, ");
    expect(text).toContain("Please report it");
  });

  it("gives one JSON object with --json", () => {
    expect(JSON.parse(renderError(configError, { ...options, json: true }))).toEqual({
      schemaVersion: 1,
      error: {
        code: "ERR_CONFIG",
        message: 'config.yml:3:1: unknown key "htpp"',
        hint: "did you mean http?",
      },
    });
  });
});
