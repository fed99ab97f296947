import { describe, expect, it } from "vitest";
import { nearestName } from "../../../../../src/operations/usage/explain/find-repositories.ts";

const NAMES = ["group/app", "group/app/cache", "group/web", "other/tools/lint"];

describe("nearestName", () => {
  it.each([
    ["group/ap", "group/app"],
    ["Group/App", "group/app"],
    ["group/app/cahce", "group/app/cache"],
    ["goup", "group"],
    ["web", "group/web"],
    ["other/tool", "other/tools"],
  ])("for %s is %s", (wanted, near) => {
    expect(nearestName(wanted, NAMES)).toBe(near);
  });

  it("is none where nothing is like it", () => {
    expect(nearestName("entirely/else", NAMES)).toBeUndefined();
    expect(nearestName("x", [])).toBeUndefined();
  });
});
