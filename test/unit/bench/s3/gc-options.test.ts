import { describe, expect, it } from "vitest";
import { countManifests, treeFiles } from "../../../../bench/gc/tree-files.ts";
import { parseGcS3Options, TREE_S } from "../../../../bench/s3/gc-options.ts";

describe("options of the bench on S3", () => {
  it("measure tree S in full by default: 39,000 objects", () => {
    const options = parseGcS3Options(["--driver", "s3"]);
    expect(options).toMatchObject({ rgw: "18.2", shape: TREE_S, dryRuns: 3, realRuns: 1, latencyMs: 30 });
    expect([...treeFiles(options.shape)]).toHaveLength(39_000);
    expect(countManifests(options.shape)).toBe(4000);
  });

  it("take a smaller tree", () => {
    const { shape } = parseGcS3Options(["--repositories", "2", "--seed", "7"]);
    expect(shape).toEqual({ ...TREE_S, repositories: 2, seed: 7 });
  });

  it.each([
    ["--rgw", "15"],
    ["--runs", "x"],
    ["--tree", "M"],
  ])("refuse %s %s", (flag, value) => {
    expect(() => parseGcS3Options([flag, value])).toThrow("usage: gc --driver s3");
  });
});
