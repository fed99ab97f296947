import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestHex } from "../../../../src/oci/digest.ts";
import { readRepositories } from "../../../../src/registry/threads/read-repositories.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const REPOSITORY = "/docker/registry/v2/repositories/app";

async function openTree() {
  const driver = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
  const tree = new RegistryTree(driver);
  const app = tree.repository("app");
  const first = await app.image("first", ["a", "b"], { tag: "v1" });
  const second = await app.image("second", ["b"], { tag: "v1" });
  await app.tag("v2", first.digest);
  const read = (parts = ["_layers", "_manifests"]) =>
    readRepositories(driver, [{ folder: REPOSITORY, parts, wantsTimes: false }])[0];
  return { driver, tree, app, first, second, read, folder: join(driver.location, REPOSITORY) };
}

function hexes(packed: Uint8Array): string[] {
  return Buffer.from(packed).toString("hex").match(/.{64}/g) ?? [];
}

describe("readRepositories", () => {
  it("gives layers, revisions, tags, their targets and their history", async () => {
    const { first, second, read } = await openTree();

    const listing = read();

    const revisions = [digestHex(first.digest), digestHex(second.digest)].sort();
    expect(hexes(listing?.layers ?? new Uint8Array())).toHaveLength(4);
    expect(hexes(listing?.revisions ?? new Uint8Array())).toEqual(revisions);
    expect(listing?.tags).toEqual(["v1", "v2"]);
    expect(hexes(listing?.targets ?? new Uint8Array())).toEqual([
      digestHex(second.digest),
      digestHex(first.digest),
    ]);
    expect([...(listing?.historyCounts ?? [])]).toEqual([2, 1]);
    expect(hexes(listing?.history ?? new Uint8Array())).toEqual([...revisions, digestHex(first.digest)]);
  });

  it("gives what there is of a repository without manifests, or without layers", async () => {
    const { read } = await openTree();
    expect(read(["_layers", "_uploads"])).toMatchObject({ tags: [], revisions: new Uint8Array() });
    expect(read(["_manifests"])).toMatchObject({ tags: ["v1", "v2"], layers: new Uint8Array() });
  });

  type Tree = Awaited<ReturnType<typeof openTree>>;
  const irregular: Record<string, (tree: Tree) => Promise<unknown>> = {
    "an unknown folder of manifests": ({ folder }) => mkdir(join(folder, "_manifests/other")),
    "an unknown algorithm of layers": ({ folder }) => mkdir(join(folder, "_layers/md5")),
    "a layer by sha512": ({ app }) => app.layer("x", "sha512"),
    "a name that is no digest": ({ folder }) => mkdir(join(folder, "_layers/sha256/abc")),
    "a name in capitals": ({ folder }) => mkdir(join(folder, "_layers/sha256", "A".repeat(64))),
    "a file among the tags": ({ folder }) => writeFile(join(folder, "_manifests/tags/v3"), ""),
    "a tag without a link": ({ folder }) => rm(join(folder, "_manifests/tags/v1/current/link")),
    "a tag's link that is empty": ({ folder }) =>
      writeFile(join(folder, "_manifests/tags/v1/current/link"), ""),
    "a tag's link with a line end": ({ folder, first }) =>
      writeFile(join(folder, "_manifests/tags/v1/current/link"), `${first.digest}\n`),
    "a tag's link in capitals": ({ folder, first }) =>
      writeFile(join(folder, "_manifests/tags/v1/current/link"), first.digest.toUpperCase()),
    "a folder in the place of a tag's link": async ({ folder }) => {
      await rm(join(folder, "_manifests/tags/v1/current/link"));
      await mkdir(join(folder, "_manifests/tags/v1/current/link"));
    },
    "a tag without a history": ({ folder }) =>
      rm(join(folder, "_manifests/tags/v1/index"), { recursive: true }),
    "a tag's name that is none": ({ app, first }) =>
      app.tree.driver.put(`${REPOSITORY}/_manifests/tags/-v/current/link`, Buffer.from(first.digest)),
    "layers behind a link that leads nowhere": async ({ folder }) => {
      await rm(join(folder, "_layers/sha256"), { recursive: true });
      await symlink("/nowhere/at/all", join(folder, "_layers/sha256"));
    },
    "a folder that is gone": ({ folder }) => rm(join(folder, "_layers"), { recursive: true }),
    "a file in the place of a folder": async ({ folder }) => {
      await rm(join(folder, "_layers/sha256"), { recursive: true });
      await writeFile(join(folder, "_layers/sha256"), "");
    },
  };

  for (const [name, change] of Object.entries(irregular)) {
    it(`leaves a repository to those who read with care for ${name}`, async () => {
      const tree = await openTree();
      expect(tree.read()).toBeDefined();

      await change(tree);

      expect(tree.read()).toBeUndefined();
    });
  }

  it("leaves a repository of empty folders to those who read with care", async () => {
    const { folder, read } = await openTree();
    await rm(folder, { recursive: true });
    await mkdir(join(folder, "_manifests/tags"), { recursive: true });
    await mkdir(join(folder, "_layers"), { recursive: true });

    expect(read()).toBeUndefined();
  });
});
