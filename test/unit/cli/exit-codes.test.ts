import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../../src/cli/exit-codes.ts";
import * as errors from "../../../src/errors.ts";
import { ReadOnlyStoreError } from "../../../src/storage/errors.ts";

describe("exitCodeOf", () => {
  it.each([
    [new errors.UsageError("x"), 2],
    [new errors.ConfigError("x"), 10],
    [new errors.StorageUnavailableError("x"), 11],
    [new errors.StorageFullError("x"), 11],
    [new ReadOnlyStoreError("memory", "put", "/x"), 11],
    [new errors.RegistryStateError("x"), 12],
    [new errors.PathNotFoundError("memory", "/x"), 1],
    [new TypeError("x"), 1],
    ["not even an error", 1],
  ])("%s gives %i", (error, code) => {
    expect(exitCodeOf(error, undefined)).toBe(code);
  });

  it("gives a cancelled run the code of the signal that stopped it", () => {
    const error = new errors.CancelledError();
    expect(exitCodeOf(error, "SIGINT")).toBe(130);
    expect(exitCodeOf(error, "SIGTERM")).toBe(143);
    expect(exitCodeOf(error, "SIGHUP")).toBe(129);
    expect(exitCodeOf(error, undefined)).toBe(130);
  });
});
