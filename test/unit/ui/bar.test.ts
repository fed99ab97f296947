import { describe, expect, it } from "vitest";
import { renderBar } from "../../../src/ui/bar.ts";

describe("renderBar", () => {
  it("is as long as its parts beside the whole, each part with a mark of its own", () => {
    expect(renderBar([30, 10], 40, 8)).toBe("######::");
    expect(renderBar([30, 10], 80, 8)).toBe("###:");
    expect(renderBar([0, 10], 40, 8)).toBe("::");
  });

  it("has one place for what is more than nothing, none for nothing, and never more than its width", () => {
    expect(renderBar([1, 0], 1_000_000, 8)).toBe("#");
    expect(renderBar([0, 0], 40, 8)).toBe("");
    expect(renderBar([0, 0], 0, 8)).toBe("");
    expect(renderBar([50, 50], 40, 8)).toBe("####::::");
  });
});
