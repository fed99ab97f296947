import { beforeEach, describe, expect, it } from "vitest";
import { RetainedLinks } from "../../../../src/registry/apply/retained-links.ts";
import { type DigestId, DigestTable } from "../../../../src/registry/graph/digest-table.ts";
import { ManifestReferences } from "../../../../src/registry/graph/manifest-references.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";

let retained: RetainedLinks;
let outer: DigestId;
let below: DigestId[];
let apart: DigestId;

/** An index that holds an index that holds an image of one layer, and an image that nothing leads to. */
beforeEach(async () => {
  const tree = new RegistryTree(new MemoryDriver());
  const app = tree.repository("app");
  const image = await app.image("image", ["layer"]);
  const inner = await app.index([image]);
  const root = await app.index([inner]);
  const other = await app.image("other", ["another layer"]);
  const table = new DigestTable();
  const references = new ManifestReferences(table);
  [outer, apart] = [table.intern(root.digest), table.intern(other.digest)];
  const manifests = [inner, image].map(({ digest }) => table.intern(digest));
  for (const id of [outer, apart, ...manifests]) await references.load(tree.driver, id);
  below = [...manifests, ...manifests.flatMap((id) => [...references.blobs(id)])];
  retained = new RetainedLinks(references);
});

describe("a link that stays", () => {
  it("keeps everything below it in its repository, down to the layers, and nothing else", () => {
    retained.add("app", outer);

    expect(below).toHaveLength(4);
    for (const id of [outer, ...below]) {
      expect(retained.has("app", id)).toBe(true);
      expect(retained.hasBlob(id)).toBe(true);
    }
    expect([retained.has("app", apart), retained.hasBlob(apart)]).toEqual([false, false]);
  });

  it("keeps no link of another repository, only the bytes", () => {
    retained.add("other", outer);

    for (const id of [outer, ...below])
      expect([retained.has("app", id), retained.hasBlob(id)]).toEqual([false, true]);
    expect([retained.hasAny("other"), retained.hasAny("app")]).toEqual([true, false]);
  });
});

it("keeps bytes without any link", () => {
  retained.addBlob(apart);
  expect([retained.hasBlob(apart), retained.has("app", apart), retained.hasAny("app")]).toEqual([
    true,
    false,
    false,
  ]);
});
