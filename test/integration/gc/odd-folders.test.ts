import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { blobDataPath, revisionLinkPath, tagCurrentLinkPath } from "../../../src/registry/paths.ts";
import type { CollectionPlan } from "../../../src/registry/plan/collection-plan.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };
let root: string;
let tree: RegistryTree;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "registry-ctl-gc-"));
  tree = new RegistryTree(new FilesystemDriver({ rootDirectory: root }));
});

afterEach(() => rm(root, { recursive: true }));

describe("something else in the place of a folder or a link", () => {
  it.each([
    ["an empty folder in place of a tag's link", "tags/v1/current/link/"],
    ["a folder in place of a tag's link", "tags/v1/current/link/file"],
    ["a file in place of a tag's current folder", "tags/v1/current"],
    ["a file in place of a tag", "tags/v1"],
    ["a file in place of the tags", "tags"],
  ])("keeps all manifests of a repository with %s", async (_, below) => {
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"], { tag: "v1" });
    await tree.repository("other").image("two", [], { tag: "v1" });
    const manifests = join(root, "docker/registry/v2/repositories/app/_manifests");
    const path = join(manifests, below);
    await rm(below.startsWith("tags/v1/current/link") ? join(manifests, "tags/v1/current/link") : path, {
      recursive: true,
    });
    if (below.endsWith("/")) await mkdir(path, { recursive: true });
    else {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, "");
    }

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(report.warnings.join()).toContain("app: it has tags that are not understood; all manifests");
    expect(await app.missingFor(image.digest)).toEqual([]);
  });

  it("takes an empty folder around a tag's link for what a killed push left", async () => {
    await tree.repository("app").image("one", ["layer"]);
    await tree.repository("other").image("two", [], { tag: "v1" });
    const tags = join(root, "docker/registry/v2/repositories/app/_manifests/tags");
    await mkdir(join(tags, "v1/current"), { recursive: true });

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ manifests: 1, blobs: 3 });
    expect(report.warnings).toEqual([]);
  });

  it("keeps everything of a repository with a file in place of its revisions", async () => {
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"], { tag: "v1" });
    const layer = await app.layer("of a manifest that is not seen");
    const revisions = join(root, "docker/registry/v2/repositories/app/_manifests/revisions");
    await rm(join(revisions, "sha256"), { recursive: true });
    await writeFile(join(revisions, "sha256"), "");

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect([await tree.hasBlob(image.digest), await tree.hasBlob(layer.digest)]).toEqual([true, true]);
  });
});

describe("temporary files that a dead writer left", () => {
  it("go in a real run when they are old, and are counted nowhere", async () => {
    await tree.repository("app").image("one", [], { tag: "v1" });
    const registry = join(root, "docker/registry/v2");
    const [old, young] = ["0123456789abcdef", "fedcba9876543210"].map((hex) =>
      join(registry, `repositories/app/.registry-ctl-${hex}.tmp`),
    );
    const inBlobs = join(registry, "blobs/sha256/.registry-ctl-0123456789abcdef.tmp");
    for (const path of [old, young, inBlobs]) await writeFile(path ?? "", "half");
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    for (const path of [old, inBlobs]) await utimes(path ?? "", longAgo, longAgo);
    const there = (): boolean[] => [old, young, inBlobs].map((path) => existsSync(path ?? ""));

    await collect(tree.driver, { dryRun: true });
    expect(there()).toEqual([true, true, true]);
    const report = await collect(tree.driver);

    expect(there()).toEqual([false, true, false]);
    expect([report.deleted, report.warnings]).toEqual([NOTHING, []]);
  });
});

describe("symbolic links that lead back to a folder around them", () => {
  it("are passed over, and everything is found once", async () => {
    const image = await tree.repository("team/app").image("one", ["layer"], { tag: "v1" });
    const orphan = await tree.blob("orphan");
    const repositories = join(root, "docker/registry/v2/repositories");
    await symlink(".", join(repositories, "self"));
    await symlink(".", join(repositories, "again"));
    await symlink("../..", join(repositories, "team/up"));

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ blobs: 1, manifests: 0, layerLinks: 0 });
    expect(await tree.hasBlob(orphan)).toBe(false);
    expect(await tree.repository("team/app").missingFor(image.digest)).toEqual([]);
  });
});

describe("a repository that has only uploads", () => {
  it("is not said to leave the catalog, in which it is not", async () => {
    await tree.repository("other").image("two", [], { tag: "v1" });
    await tree.repository("app").upload("0b5b1c4e-6a3f-4d0c-8c3c-3a1f6f2b9b11", "half a layer");
    const emptied: string[] = [];

    await collect(tree.driver, {
      dryRun: true,
      deleteUntagged: true,
      onPlan: async ({ repositories, emptyRepositories }) => {
        emptied.push(...emptyRepositories, ...repositories.map(({ repository }) => repository));
      },
    });

    expect(emptied).toEqual([]);
  });
});

describe("an index that lists a blob larger than memory as a manifest", () => {
  it("keeps everything of its repository, and the blob is not read", async () => {
    const app = tree.repository("app");
    const layer = await app.layer("to be very large");
    await app.index([{ ...layer, mediaType: "application/vnd.oci.image.manifest.v1+json" }], { tag: "v1" });
    await truncate(join(root, blobDataPath(layer.digest)), 1024 ** 3);

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.warnings).toEqual([expect.stringContaining("at most 67108864 were expected")]);
    expect(report.deleted).toEqual(NOTHING);
  });
});

describe("a repository on a disk that is not mounted", () => {
  it("keeps every blob, whichever folder of it is a link that leads nowhere", async () => {
    await tree.repository("other").image("two", [], { tag: "v1" });
    const orphan = await tree.blob("of a repository that cannot be seen");
    const link = join(root, "docker/registry/v2/repositories/team");
    await symlink("/not/mounted", link);

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.failed.map(({ path }) => path)).toEqual(["/docker/registry/v2/repositories/team"]);
    expect(report.deleted).toEqual(NOTHING);
    expect(await tree.hasBlob(orphan)).toBe(true);
  });

  it("keeps every blob where the folder of all repositories is such a link", async () => {
    const orphan = await tree.blob("of a repository that cannot be seen");
    await symlink("/not/mounted", join(root, "docker/registry/v2/repositories"));

    const report = await collect(tree.driver, { allowEmpty: true });

    expect(report.failed).toHaveLength(1);
    expect(await tree.hasBlob(orphan)).toBe(true);
  });

  it("keeps the manifests of a tag whose link leads nowhere", async () => {
    const app = tree.repository("app");
    await app.image("one", [], { tag: "v1" });
    const image = await app.image("two", ["layer"]);
    const current = join(root, tagCurrentLinkPath("app", "v2"));
    await mkdir(dirname(current), { recursive: true });
    await symlink("/not/mounted", current);

    expect((await collect(tree.driver, { deleteUntagged: true })).deleted).toEqual(NOTHING);
    expect(await app.missingFor(image.digest)).toEqual([]);
  });
});

describe("a repository of empty folders", () => {
  it("leaves the catalog", async () => {
    const app = tree.repository("left/over");
    await app.image("one", [], { tag: "v1" });
    for (const path of await tree.files()) await tree.driver.delete(path);
    await tree.repository("other").image("two", [], { tag: "v1" });

    await collect(tree.driver, { dryRun: true });
    expect(await tree.has("/docker/registry/v2/repositories/left/over/_manifests")).toBe(true);
    await collect(tree.driver);
    expect(await tree.has("/docker/registry/v2/repositories/left")).toBe(false);
  });

  it("leaves it also where an upload is all that it has, which stays", async () => {
    await tree.repository("other").image("two", [], { tag: "v1" });
    const app = tree.repository("app");
    const image = await app.image("one", [], { tag: "v1" });
    await app.untag("v1");
    await tree.driver.delete(revisionLinkPath("app", image.digest));
    await app.upload("0b5b1c4e-6a3f-4d0c-8c3c-3a1f6f2b9b11", "half a layer");
    const leaving = async (): Promise<string[]> => {
      const names: string[] = [];
      const onPlan = async (plan: CollectionPlan): Promise<void> => {
        names.push(...plan.emptyRepositories);
        for (const { repository, isEmptied } of plan.repositories) if (isEmptied) names.push(repository);
      };
      await collect(tree.driver, { dryRun: true, onPlan });
      return names;
    };

    expect(await leaving()).toEqual(["app"]);
    await collect(tree.driver);
    expect(await leaving()).toEqual([]);
    expect(await tree.has("/docker/registry/v2/repositories/app/_manifests")).toBe(false);
    expect(await tree.files("/docker/registry/v2/repositories/app/_uploads")).toHaveLength(2);
  });
});
