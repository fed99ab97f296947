import { describe, expect, it } from "vitest";
import {
  ConfigError,
  RegistryCtlError,
  RegistryStateError,
  StorageFullError,
  StorageUnavailableError,
} from "../../../../src/errors.ts";
import { fromStartFailure, toStartFailure } from "../../../../src/process/workers/start-failure.ts";

function through(error: unknown): Error {
  const sent: ReturnType<typeof toStartFailure> = JSON.parse(JSON.stringify(toStartFailure(error)));
  return fromStartFailure(sent);
}

describe("a start failure that goes through a channel", () => {
  it.each([ConfigError, StorageUnavailableError, StorageFullError, RegistryStateError])(
    "stays of the class that decides on the exit code: %o",
    (kind) => {
      const error = through(new kind("what", { hint: "do this" }));
      expect(error).toBeInstanceOf(kind);
      expect(error).toMatchObject({ message: "what", hint: "do this" });
    },
  );

  it("keeps code and hint of any other error of ours", () => {
    expect(through(new RegistryCtlError("ERR_LISTEN", "what"))).toMatchObject({
      code: "ERR_LISTEN",
      hint: undefined,
    });
  });

  it("shows where a bug was", () => {
    const error = through(new TypeError("x is undefined"));
    expect(error).not.toBeInstanceOf(RegistryCtlError);
    expect(error.message).toMatch(/x is undefined\n\s+at .*start-failure\.test\.ts/);
  });
});
