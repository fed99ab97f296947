import { describe, expect, it } from "vitest";
import { countManifests } from "../../../../bench/gc/tree-files.ts";
import { TREE_M } from "../../../../bench/gc/tree-shape.ts";
import { writeTree } from "../../../../bench/gc/write-tree.ts";
import { verifyRegistry } from "../../../../src/operations/verify/verify-registry.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const SHAPE = {
  ...TREE_M,
  repositories: 2,
  tags: 3,
  untagged: 2,
  orphans: 4,
  multiArch: 0.5,
  referrers: 0.5,
};

describe("writeTree", () => {
  it("writes a registry in which nothing is wrong", async () => {
    const rootDirectory = await temporaryFolder();
    writeTree(rootDirectory, SHAPE);
    const report = await verifyRegistry(
      { driver: new FilesystemDriver({ rootDirectory }), nowMs: Date.now },
      { checksumPercent: 100, repositories: [], concurrency: 4, usesMetadataDatabase: false },
    );
    expect(report).toMatchObject({ complete: true, problems: [], notices: [], unneeded: { blobs: 4 } });
    expect(report.checked).toMatchObject({ repositories: 2, tags: 6, manifests: countManifests(SHAPE) });
  });

  it("tells how many files it wrote, and refuses to write over a tree", async () => {
    const rootDirectory = await temporaryFolder();
    const files = writeTree(rootDirectory, SHAPE);
    let found = 0;
    for await (const _ of new FilesystemDriver({ rootDirectory }).walk("/docker")) found++;
    expect(found).toBe(files);
    expect(() => writeTree(rootDirectory, SHAPE)).toThrow(/EEXIST/);
  });
});
