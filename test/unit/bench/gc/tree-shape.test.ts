import { describe, expect, it } from "vitest";
import { parseShape, shapeFlags, TREE_K, TREE_M } from "../../../../bench/gc/tree-shape.ts";

describe("parseShape", () => {
  it("takes tree M for what is not given", () => {
    expect(parseShape([])).toEqual(TREE_M);
    expect(parseShape(["--tags", "3", "--multi-arch=0.5"])).toEqual({ ...TREE_M, tags: 3, multiArch: 0.5 });
  });

  it("reads back the flags of a shape", () => {
    const shape = { ...TREE_K, referrers: 0.25, orphans: 9, seed: 7 };
    expect(parseShape(shapeFlags(shape))).toEqual(shape);
  });

  it.each([
    ["--tags=x", /--tags: x/],
    ["--tags=1.5", /tags: 1.5/],
    ["--layers=-1", /layers: -1/],
    ["--multi-arch=2", /multiArch: 2/],
    ["--shared-layers=6", /6 shared layers/],
    ["--nonsense=1", /nonsense/],
  ])("refuses %s", (flag, message) => {
    expect(() => parseShape([flag])).toThrow(message);
  });
});
