import { expect, it } from "vitest";
import { DigestTable } from "../../../../src/registry/graph/digest-table.ts";
import { ManifestReferences } from "../../../../src/registry/graph/manifest-references.ts";
import { parentsFirst } from "../../../../src/registry/plan/parents-first.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";

it("gives an index before its children and a referrer before its subject", async () => {
  const tree = new RegistryTree(new MemoryDriver());
  const app = tree.repository("app");
  const child = await app.image("child", []);
  const inner = await app.index([child]);
  const outer = await app.index([inner]);
  const sbom = await app.artifact("sbom", outer);
  const table = new DigestTable();
  const references = new ManifestReferences(table);
  const given = [child, inner, outer, sbom].map(({ digest }) => table.intern(digest));
  for (const id of given) await references.load(tree.driver, id);

  for (const order of [given, given.toReversed()]) {
    const dead = order.map((id) => ({ id, isAbsent: false, lastTagged: undefined }));
    expect(parentsFirst(dead, references).map(({ id }) => id)).toEqual(given.toReversed());
  }
});
