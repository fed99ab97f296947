import { describe, expect, it } from "vitest";
import { countManifests, treeFiles } from "../../../../bench/gc/tree-files.ts";
import { TREE_M, type TreeShape } from "../../../../bench/gc/tree-shape.ts";
import { digestOf } from "../../../../src/oci/digest.ts";
import { blobDataPath, classifyPath } from "../../../../src/registry/paths.ts";

const PLAIN: TreeShape = { ...TREE_M, repositories: 3, tags: 4, untagged: 4 };
const MIXED: TreeShape = { ...PLAIN, tags: 20, multiArch: 0.3, referrers: 0.4, orphans: 7 };

describe("treeFiles", () => {
  it("has 390 files for each repository of tree M", () => {
    expect([...treeFiles({ ...TREE_M, repositories: 2 })]).toHaveLength(780);
    expect(countManifests({ ...TREE_M, repositories: 2 })).toBe(80);
  });

  it("counts each kind of file as its shape says", () => {
    const kinds: Record<string, number> = {};
    for (const { path } of treeFiles(PLAIN)) {
      const { kind } = classifyPath(path);
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    const images = 3 * 8;
    expect(kinds).toEqual({
      blob: 3 * 5 + images * (2 + 1 + 1),
      layerLink: 3 * 5 + images * (2 + 1),
      revisionLink: images,
      tagHistoryLink: images,
      tagLink: 3 * 4,
    });
  });

  it.each([PLAIN, MIXED])("gives every path once", (shape) => {
    const paths = [...treeFiles(shape)].map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it("stores each blob under its digest, and links nothing that is not there", () => {
    const files = new Map([...treeFiles(MIXED)].map(({ path, content }) => [path, Buffer.from(content)]));
    for (const [path, bytes] of files) {
      const entry = classifyPath(path);
      if (entry.kind === "blob") expect(entry.digest).toBe(digestOf(bytes));
      else if ("digest" in entry) expect(files.has(blobDataPath(entry.digest))).toBe(true);
    }
  });

  it("refers from manifests to blobs that are there, in their right size", () => {
    const files = new Map([...treeFiles(MIXED)].map(({ path, content }) => [path, Buffer.from(content)]));
    let references = 0;
    for (const path of files.keys()) {
      const entry = classifyPath(path);
      if (entry.kind !== "revisionLink") continue;
      const json = JSON.parse(`${files.get(blobDataPath(entry.digest))}`);
      for (const { digest, size } of [json.config, json.subject, json.layers, json.manifests]
        .flat()
        .filter(Boolean)) {
        expect(files.get(blobDataPath(digest))?.length).toBe(size);
        references++;
      }
    }
    expect(references).toBeGreaterThan(MIXED.repositories * 24 * 6);
  });

  it("spreads indexes and referrers by their shares", () => {
    const shape = { ...MIXED, repositories: 50 };
    const pushes = 50 * 24;
    const expected = pushes * (1 + 2 * shape.multiArch + shape.referrers);
    expect(countManifests(shape)).toBeGreaterThan(expected * 0.9);
    expect(countManifests(shape)).toBeLessThan(expected * 1.1);
    const revisions = [...treeFiles(shape)].filter(({ path }) => classifyPath(path).kind === "revisionLink");
    expect(revisions).toHaveLength(countManifests(shape));
  });

  it("gives the same bytes for the same shape, and others for another seed", () => {
    expect(render(MIXED)).toEqual(render(MIXED));
    const others = new Set(render({ ...MIXED, seed: 2 }));
    const blobs = render(MIXED).filter((line) => line.includes("/blobs/"));
    expect(blobs.filter((line) => others.has(line))).toEqual([]);
  });

  it("is whole when it is written in parts", () => {
    const parts = [1, 2, 3].map((number) => render(MIXED, { number, of: 3 }));
    expect(parts.flat()).toEqual(expect.arrayContaining(render(MIXED)));
    expect(parts.flat()).toHaveLength(render(MIXED).length);
    expect(parts.every((part) => part.length > 100)).toBe(true);
  });
});

function render(shape: TreeShape, part?: { number: number; of: number }): string[] {
  return [...treeFiles(shape, part)].map(({ path, content }) => `${path} ${content}`);
}
