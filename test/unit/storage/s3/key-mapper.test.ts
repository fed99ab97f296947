import { describe, expect, test } from "vitest";
import { keyMapper } from "../../../../src/storage/s3/key-mapper.ts";

describe("keyMapper", () => {
  test("leaves out the slash at the start", () => {
    const { keyOf, pathOf } = keyMapper("");
    expect(keyOf("/docker/registry")).toBe("docker/registry");
    expect(keyOf("/")).toBe("");
    expect(pathOf("docker/registry")).toBe("/docker/registry");
  });

  test("puts the root directory before each key", () => {
    const { keyOf, pathOf } = keyMapper("some/root");
    expect(keyOf("/docker/x")).toBe("some/root/docker/x");
    expect(keyOf("/")).toBe("some/root");
    expect(pathOf("some/root/docker/x")).toBe("/docker/x");
  });

  test("knows no path outside the root directory", () => {
    const { pathOf } = keyMapper("root");
    for (const key of ["rootless/x", "other/x", "root", "roo"]) expect(pathOf(key), key).toBeUndefined();
  });
});
