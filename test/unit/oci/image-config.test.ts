import { describe, expect, it } from "vitest";
import { readImageConfig } from "../../../src/oci/image-config.ts";

const read = (json: unknown) => readImageConfig(Buffer.from(JSON.stringify(json)));

describe("an image config", () => {
  it("says when the image was created, where it runs and what it is labelled with", () => {
    const config = {
      created: "2024-02-03T04:05:06.123456789Z",
      os: "linux",
      architecture: "arm",
      variant: "v7",
    };
    expect(read({ ...config, config: { Labels: { a: "b", wrong: 1 } } })).toEqual({
      createdMs: Date.UTC(2024, 1, 3, 4, 5, 6, 123),
      platform: "linux/arm/v7",
      labels: { a: "b" },
    });
  });

  it("is read though it says nothing, or nothing of use", () => {
    const nothing = { createdMs: undefined, platform: undefined, labels: {} };
    for (const created of [
      undefined,
      null,
      5,
      "",
      "yesterday",
      "2024-02-03",
      "2024-13-40T25:00:00Z",
      "2023-02-29T00:00:00Z",
    ])
      expect(read({ created, os: "linux", config: { Labels: null } })).toEqual(nothing);
    expect(readImageConfig(Buffer.from("no JSON"))).toBeUndefined();
    expect(read([])).toBeUndefined();
  });

  it("may be of the year 1", () => {
    expect(read({ created: "0001-01-01T00:00:00Z" })?.createdMs).toBe(Date.parse("0001-01-01T00:00:00Z"));
  });
});
