import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { parseDigest } from "../../../../src/oci/digest.ts";
import {
  blobDataPath,
  layerLinkPath,
  REPOSITORIES_ROOT,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../../../src/registry/paths.ts";
import { removeFolderExactly } from "../../../../src/registry/remove-folder.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { withoutAbilities } from "../../../support/registry-stores.ts";
import { type Pushed, RegistryTree, type RepositoryTree } from "../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { problemsOf, verify } from "./verify-store.ts";

/** A store with an image and an index of two, a referrer of the index, and an untagged image. */
interface Sample {
  driver: StorageDriver;
  tree: RegistryTree;
  repository: RepositoryTree;
  shared: Pushed;
  image: Pushed;
  amd64: Pushed;
  arm64: Pushed;
  index: Pushed;
  signature: Pushed;
  untagged: Pushed;
}

const OTHER = parseDigest(`sha256:${"0".repeat(64)}`);

async function sample(driver: StorageDriver): Promise<Sample> {
  const tree = new RegistryTree(driver);
  const repository = tree.repository("a/b");
  const shared = await repository.layer("shared");
  const image = await repository.image("image", [shared, "own"], { tag: "v1" });
  const amd64 = await repository.image("amd64", [shared, "amd64 layer"]);
  const arm64 = await repository.image("arm64", ["arm64 layer"]);
  const index = await repository.index([amd64, arm64], { tag: "multi" });
  const signature = await repository.artifact("signed", index);
  const untagged = await repository.image("untagged", ["untagged layer"]);
  const other = tree.repository("other");
  await other.image("image", [await other.layer("shared"), "own"], { tag: "copy" });
  return { driver, tree, repository, shared, image, amd64, arm64, index, signature, untagged };
}

const layerOf = async ({ repository }: Sample, content: string): Promise<Pushed> => repository.layer(content);
const overwrite = ({ driver }: Sample, path: string, content: string): Promise<void> =>
  driver.put(path, Buffer.from(content));

/** What is done to the store, and which problems, with the tags that suffer, are to be found. */
const DAMAGE: [string, (sample: Sample) => Promise<void>, string[]][] = [
  ["nothing", async () => {}, []],
  [
    "a layer is lost that two repositories share",
    async ({ driver, shared }) => driver.delete(blobDataPath(shared.digest)),
    ["missing-blob a/b:multi,a/b:v1,other:copy"],
  ],
  [
    "a config is lost",
    async (s) => s.driver.delete(blobDataPath((await layerOf(s, "config of arm64")).digest)),
    ["missing-blob a/b:multi"],
  ],
  [
    "a layer of an untagged manifest is lost",
    async (s) => s.driver.delete(blobDataPath((await layerOf(s, "untagged layer")).digest)),
    ["missing-blob"],
  ],
  [
    "a layer of a referrer is lost",
    async (s) => s.driver.delete(blobDataPath((await layerOf(s, "signed")).digest)),
    ["missing-blob a/b:multi"],
  ],
  [
    "a layer is cut",
    async (s) => overwrite(s, blobDataPath(s.shared.digest), "shar"),
    ["wrong-size a/b:multi,a/b:v1,other:copy"],
  ],
  [
    "a layer is empty",
    async (s) => overwrite(s, blobDataPath(s.shared.digest), ""),
    ["wrong-size a/b:multi,a/b:v1,other:copy"],
  ],
  [
    "a layer link is lost in one repository",
    async ({ driver, shared }) => driver.delete(layerLinkPath("a/b", shared.digest)),
    ["missing-layer-link a/b:multi,a/b:v1"],
  ],
  [
    "a layer link is empty",
    async (s) => overwrite(s, layerLinkPath("a/b", s.shared.digest), ""),
    ["broken-link a/b:multi,a/b:v1"],
  ],
  [
    "a layer link leads to another blob",
    async (s) => overwrite(s, layerLinkPath("a/b", s.shared.digest), s.image.digest),
    ["wrong-link a/b:multi,a/b:v1"],
  ],
  [
    "a layer link and its blob are lost",
    async ({ driver, shared }) => {
      await driver.delete(layerLinkPath("a/b", shared.digest));
      await driver.delete(blobDataPath(shared.digest));
    },
    ["missing-blob a/b:multi,a/b:v1,other:copy", "missing-layer-link a/b:multi,a/b:v1"],
  ],
  [
    "a manifest is lost",
    async ({ driver, image }) => driver.delete(blobDataPath(image.digest)),
    ["missing-manifest a/b:v1,other:copy"],
  ],
  [
    "a manifest is damaged without a change of its size",
    async (s) => {
      const path = blobDataPath(s.image.digest);
      const text = Buffer.from(await s.driver.get(path)).toString();
      await overwrite(s, path, text.replace("schemaVersion", "schemaVersiom"));
    },
    ["wrong-digest a/b:v1,other:copy"],
  ],
  [
    "a manifest is empty",
    async (s) => overwrite(s, blobDataPath(s.image.digest), ""),
    ["wrong-digest a/b:v1,other:copy"],
  ],
  [
    "a platform's manifest is lost",
    async ({ driver, amd64 }) => driver.delete(blobDataPath(amd64.digest)),
    ["missing-manifest a/b:multi"],
  ],
  [
    "a platform's revision link is lost",
    async ({ driver, amd64 }) => driver.delete(revisionLinkPath("a/b", amd64.digest)),
    ["missing-child a/b:multi"],
  ],
  [
    "the revision link of a tag's manifest is lost",
    async ({ driver, image }) => driver.delete(revisionLinkPath("a/b", image.digest)),
    ["tag-without-manifest a/b:v1"],
  ],
  [
    "a revision link is empty",
    async (s) => overwrite(s, revisionLinkPath("a/b", s.arm64.digest), ""),
    ["broken-link a/b:multi"],
  ],
  [
    "a revision link leads to another manifest",
    async (s) => overwrite(s, revisionLinkPath("a/b", s.image.digest), s.untagged.digest),
    ["wrong-link a/b:v1"],
  ],
  [
    "a tag points to a manifest that was never there",
    async (s) => overwrite(s, tagCurrentLinkPath("a/b", "v1"), OTHER),
    ["tag-without-manifest a/b:v1"],
  ],
  [
    "a tag points to a manifest of another repository",
    async (s) => {
      const foreign = await s.tree.repository("third").image("third", []);
      await overwrite(s, tagCurrentLinkPath("a/b", "v1"), foreign.digest);
    },
    ["tag-without-manifest a/b:v1"],
  ],
  [
    "a tag points to a layer",
    async (s) => overwrite(s, tagCurrentLinkPath("a/b", "v1"), s.shared.digest),
    ["tag-without-manifest a/b:v1"],
  ],
  [
    "a tag's link is empty",
    async (s) => overwrite(s, tagCurrentLinkPath("a/b", "v1"), ""),
    ["broken-link a/b:v1"],
  ],
  [
    "a tag's link is far too long",
    async (s) => overwrite(s, tagCurrentLinkPath("a/b", "v1"), "x".repeat(3_000_000)),
    ["broken-link a/b:v1"],
  ],
  [
    "a tag's link holds something else",
    async (s) => overwrite(s, tagCurrentLinkPath("a/b", "v1"), "latest"),
    ["broken-link a/b:v1"],
  ],
  [
    "a tag's link has a line end, which the Go registry does not take",
    async (s) => overwrite(s, tagCurrentLinkPath("a/b", "v1"), `${s.image.digest}\n`),
    ["broken-link a/b:v1"],
  ],
  [
    "a tag-history link is empty",
    async (s) => overwrite(s, tagHistoryLinkPath("a/b", "v1", s.image.digest), ""),
    ["broken-link"],
  ],
  [
    "something else is in the place of a tag's link",
    async (s) => {
      await s.driver.delete(tagCurrentLinkPath("a/b", "v1"));
      await overwrite(s, `${tagCurrentLinkPath("a/b", "v1")}/link`, s.image.digest);
    },
    ["unknown-tag"],
  ],
  [
    "an index says another size of a platform's manifest",
    async (s) => {
      await s.repository.index([{ ...s.arm64, size: s.arm64.size + 1 }], { tag: "wrong" });
    },
    ["wrong-size a/b:wrong"],
  ],
  [
    "a manifest is of no known type",
    async (s) => {
      await s.repository.manifest({ mediaType: "application/x.unknown", schemaVersion: 2 }, { tag: "odd" });
    },
    ["invalid-manifest a/b:odd"],
  ],
  [
    "a manifest is no JSON",
    async (s) => {
      const digest = await s.tree.blob("not JSON");
      await s.repository.linkRevision(digest);
      await s.repository.tag("text", digest);
    },
    ["invalid-manifest a/b:text"],
  ],
  [
    "a layer link that nothing needs leads to nothing",
    async (s) => s.driver.delete(blobDataPath((await layerOf(s, "collected")).digest)),
    ["dangling-layer-link"],
  ],
  [
    "the folder of the repositories is not mounted",
    async (s) => removeFolderExactly(s.driver, REPOSITORIES_ROOT),
    ["no-repositories"],
  ],
];

/** Opens a store with the same files; on a filesystem without syncing each of them. */
const COPIES: [string, (source: MemoryDriver) => Promise<StorageDriver>][] = [
  ["memory", async (source) => source],
  ["a store with nothing but the contract", async (source) => withoutAbilities(source)],
  [
    "filesystem",
    async (source) => {
      const rootDirectory = await temporaryFolder();
      for await (const { path } of source.walk("/")) {
        await mkdir(dirname(join(rootDirectory, path)), { recursive: true });
        await writeFile(join(rootDirectory, path), await source.get(path));
      }
      return new FilesystemDriver({ rootDirectory });
    },
  ],
];

describe.each(COPIES)("verify on %s", (_name, copy) => {
  let store: Sample;

  beforeEach(async () => {
    const source = new MemoryDriver();
    const made = await sample(source);
    const driver = await copy(source);
    const tree = new RegistryTree(driver);
    store = { ...made, driver, tree, repository: tree.repository("a/b") };
  });

  it.each(DAMAGE)("finds exactly what is wrong when %s", async (_what, damage, expected) => {
    await damage(store);

    const report = await verify(store.driver);

    expect(problemsOf(report)).toEqual([...expected].sort());
    expect(report.problemCount).toBe(expected.length);
    expect(report.complete).toBe(expected.length === 0);
    expect(report.unchecked).toEqual([]);
  });

  it("finds a blob whose bytes are wrong at the right size only by its checksum", async () => {
    await overwrite(store, blobDataPath(store.shared.digest), "SHARED");
    expect(problemsOf(await verify(store.driver))).toEqual([]);

    const report = await verify(store.driver, { checksumPercent: 100 });

    expect(problemsOf(report)).toEqual(["wrong-digest a/b:multi,a/b:v1,other:copy"]);
    expect(report.checksum).toMatchObject({ percent: 100, blobs: report.checked.blobs });
  });

  it("finds a damaged blob that nothing needs, since the next push would take it", async () => {
    const orphan = await store.tree.blob("orphan");
    await overwrite(store, blobDataPath(orphan), "ORPHAN");
    expect(problemsOf(await verify(store.driver, { checksumPercent: 100 }))).toEqual(["wrong-digest"]);
  });
});
