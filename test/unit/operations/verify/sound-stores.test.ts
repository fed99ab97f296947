import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { digestOf, parseDigest } from "../../../../src/oci/digest.ts";
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../../../../src/oci/media-types.ts";
import {
  BLOBS_ROOT,
  blobDataPath,
  LOCKFILES_ROOT,
  layerLinkPath,
  REPOSITORIES_ROOT,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
  uploadDataPath,
} from "../../../../src/registry/paths.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { readOnlyDriver } from "../../../../src/storage/wrappers/read-only/read-only-driver.ts";
import { filesToKeep } from "../../../support/needed-oracle.ts";
import { buildRandomTree, pushSteps } from "../../../support/random-tree.ts";
import { RegistryTree, type RepositoryTree } from "../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { problemsOf, verify } from "./verify-store.ts";

const FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const CACHE_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd";

/** What a store may have without anything being wrong. */
const SOUND: [string, (repository: RepositoryTree, tree: RegistryTree) => Promise<void>][] = [
  ["nothing", async () => {}],
  [
    "a schema 1 image",
    async (repository) => {
      await repository.schema1([await repository.layer("one"), await repository.layer("two")], {
        tag: "old",
      });
    },
  ],
  [
    "a foreign layer that is fetched elsewhere",
    async (repository) => {
      const layers = [
        {
          mediaType: FOREIGN_LAYER,
          digest: digestOf(Buffer.from("elsewhere")),
          size: 9,
          urls: ["https://example.com/layer"],
        },
      ];
      const config = await repository.layer("windows");
      await repository.manifest(
        { mediaType: DOCKER_MANIFEST, schemaVersion: 2, config, layers },
        { tag: "win" },
      );
    },
  ],
  [
    "an index within an index",
    async (repository) => {
      const inner = await repository.index([await repository.image("deep", ["layer"])]);
      await repository.index([inner, await repository.image("flat", [])], { tag: "nested" });
    },
  ],
  [
    "a build cache, an index that lists layers",
    async (repository) => {
      const layer = { ...(await repository.layer("cached")), mediaType: CACHE_LAYER };
      await repository.manifest(
        { mediaType: OCI_INDEX, schemaVersion: 2, manifests: [layer] },
        { tag: "cache" },
      );
    },
  ],
  [
    "a referrer whose subject is missing",
    async (repository) => {
      const subject = { digest: digestOf(Buffer.from("gone")), mediaType: OCI_MANIFEST, size: 4 };
      await repository.artifact("sbom", subject);
    },
  ],
  [
    "a SHA-512 layer as the Go registry stores it",
    async (repository, tree) => {
      const bytes = Buffer.from("long digest");
      const long = digestOf(bytes, "sha512");
      const stored = await tree.blob("long digest");
      await tree.driver.put(layerLinkPath("a", long), Buffer.from(stored));
      await repository.linkLayer(stored);
      await repository.image("sha512", [{ digest: long, mediaType: CACHE_LAYER, size: bytes.length }], {
        tag: "sha512",
      });
    },
  ],
  [
    "a SHA-512 layer and manifest as we store them",
    async (repository) => {
      await repository.image("own", [await repository.layer("long", "sha512")], {
        tag: "own",
        algorithm: "sha512",
      });
    },
  ],
  [
    "a tag without its history",
    async (repository, tree) => {
      const { digest } = await repository.image("image", ["layer"], { tag: "v1" });
      await tree.driver.delete(tagHistoryLinkPath("a", "v1", digest));
    },
  ],
  [
    "what an interrupted push leaves",
    async (repository, tree) => {
      await repository.layer("pushed before");
      await tree.blob("not linked yet");
      await repository.upload("0f6d2a31-5e5e-4a4f-9f51-1b1d6b8c2f10", "half of a lay");
      const { digest } = await repository.image("no tag yet", ["layer"]);
      await tree.driver.put(tagHistoryLinkPath("a", "v2", digest), Buffer.from(digest));
      await tree.driver.put(`${tagCurrentLinkPath("a", "v2")}.4711.tmp`, Buffer.from(digest));
    },
  ],
  [
    "repositories with nothing but uploads",
    async (_repository, tree) => {
      await tree.driver.put(uploadDataPath("b/c", "4711"), Buffer.from("half"));
    },
  ],
  [
    "a manifest without layers and one that is listed twice",
    async (repository) => {
      const image = await repository.image("empty", []);
      await repository.index([image, image], { tag: "twice" });
    },
  ],
  [
    "nested repositories with names that sort oddly",
    async (_repository, tree) => {
      for (const name of ["a/0", "a-b", "a0", "a/b/c"]) {
        await tree.repository(name).image("image", ["layer"], { tag: "v1" });
      }
    },
  ],
];

describe("verify on a sound store", () => {
  it.each(SOUND)("finds no problem in %s", async (_what, fill) => {
    const tree = new RegistryTree(new MemoryDriver());
    await tree.repository("zz").image("always", ["always"], { tag: "always" });
    await fill(tree.repository("a"), tree);

    const report = await verify(tree.driver, { checksumPercent: 100 });

    expect(problemsOf(report)).toEqual([]);
    expect(report).toMatchObject({ complete: true, uncheckedCount: 0 });
  });

  it("finds no problem in an empty store", async () => {
    expect(await verify(new MemoryDriver())).toMatchObject({ complete: true, problemCount: 0 });
  });

  it("finds no problem in repositories of empty folders", async () => {
    const rootDirectory = await temporaryFolder();
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory }));
    const repository = tree.repository("emptied");
    await repository.image("image", [], { tag: "v1" });
    for (const path of await tree.files(REPOSITORIES_ROOT)) await tree.driver.delete(path);
    expect(await verify(tree.driver)).toMatchObject({ complete: true, problemCount: 0 });
  });

  it("works on a store that is opened read-only", async () => {
    const driver = new MemoryDriver();
    await new RegistryTree(driver).repository("a").image("image", ["layer"], { tag: "v1" });
    expect(await verify(readOnlyDriver(driver))).toMatchObject({ complete: true });
  });

  it("counts what was looked at, and garbage as such", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const repository = tree.repository("a");
    await repository.image("image", ["layer"], { tag: "v1" });
    await repository.layer("unneeded");
    await tree.blob("orphan");

    const report = await verify(tree.driver);

    expect(report.checked).toMatchObject({ repositories: 1, tags: 1, manifests: 1, layerLinks: 3, blobs: 5 });
    expect(report.unneeded).toEqual({ blobs: 2, bytes: 14, layerLinks: 1, temporaryFiles: 0 });
    expect(report.notices).toEqual([]);
  });
});

describe("verify's notices", () => {
  it("names what leads to nothing, is unknown, or cannot be reached", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const repository = tree.repository("a");
    const image = await repository.image("image", ["layer"], { tag: "v1" });
    const deleted = digestOf(Buffer.from("deleted"));
    await tree.driver.put(tagHistoryLinkPath("a", "v1", deleted), Buffer.from(deleted));
    await tree.driver.put(tagHistoryLinkPath("a", "half", image.digest), Buffer.from(image.digest));
    await tree.driver.put(`${REPOSITORIES_ROOT}/a/_layers/README`, Buffer.from("?"));
    await tree.driver.put(`${REPOSITORIES_ROOT}/Upper/_layers/README`, Buffer.from("?"));
    await tree.driver.put(`${BLOBS_ROOT}/README`, Buffer.from("?"));

    const report = await verify(tree.driver);

    expect(report.complete).toBe(true);
    expect(report.counts).toEqual({
      "dangling-history-link": 1,
      "tag-without-link": 1,
      "invalid-repository-name": 1,
      "unknown-files": 2,
    });
    expect(report.notices.map(({ message }) => message).join("\n")).toMatch(/half[\s\S]*Upper[\s\S]*README/);
    expect(report).not.toHaveProperty("strict");

    const strict = await verify(tree.driver, { strict: true });
    expect(strict).toMatchObject({ complete: false, strict: true, problemCount: 5, notices: [] });
    expect(strict.counts).toEqual(report.counts);
    expect(strict.problems).toEqual(report.notices);
  });
});

describe("verify of almost nothing", () => {
  it("gives notice of a store with nothing in it, which may not be mounted", async () => {
    const rootDirectory = await temporaryFolder();
    const report = await verify(new FilesystemDriver({ rootDirectory: join(rootDirectory, "none") }));
    expect(report).toMatchObject({ complete: true, counts: { "empty-store": 1 } });
  });

  it("gives notice of tags that are empty folders, since the Go registry lists them", async () => {
    const rootDirectory = await temporaryFolder();
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory }));
    await tree.repository("a").image("image", ["layer"], { tag: "v1" });
    for (const folder of ["a/_manifests/tags/v2", "a/_manifests/tags/v3/current", "b/_manifests/tags/v4"]) {
      await mkdir(join(rootDirectory, REPOSITORIES_ROOT, folder), { recursive: true });
    }
    await mkdir(join(rootDirectory, REPOSITORIES_ROOT, "a/_manifests/tags/v1/other"));

    const report = await verify(tree.driver);

    expect(report).toMatchObject({ complete: true, counts: { "tag-without-link": 1 } });
    expect(report.notices[0]?.message).toBe("3 tags are empty folders: a:v2, a:v3, b:v4");
  });
});

describe("verify with what it cannot look at", () => {
  it("says so, and is not complete", async () => {
    const driver = new MemoryDriver();
    const tree = new RegistryTree(driver);
    const image = await tree.repository("a").image("image", ["layer"], { tag: "v1" });
    const failing = new Proxy(driver, {
      get(target, key) {
        if (key !== "getSync") return Reflect.get(target, key).bind?.(target) ?? Reflect.get(target, key);
        return (path: string) => {
          if (path === revisionLinkPath("a", image.digest))
            throw new StorageUnavailableError("EIO: bad disk");
          return target.getSync(path);
        };
      },
    });

    const report = await verify(failing);

    expect(report).toMatchObject({ complete: false, problemCount: 0, uncheckedCount: 1 });
    expect(report.unchecked[0]?.error).toContain("bad disk");
  });

  it("tells of a folder that leads to a disk that is not mounted", async () => {
    const rootDirectory = await temporaryFolder();
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory }));
    await tree.repository("a").image("image", ["layer"], { tag: "v1" });
    const folder = join(rootDirectory, REPOSITORIES_ROOT, "elsewhere");
    await symlink(join(rootDirectory, "not-mounted"), folder);
    const report = await verify(tree.driver);
    expect(report).toMatchObject({ complete: false, problemCount: 0, uncheckedCount: 1 });
  });

  it("counts a metadata database as something that it cannot look at", async () => {
    const driver = new MemoryDriver();
    await new RegistryTree(driver).repository("a").image("image", [], { tag: "v1" });
    await driver.put(`${LOCKFILES_ROOT}/database-in-use`, new Uint8Array());
    const report = await verify(driver);
    expect(report).toMatchObject({ complete: false, problemCount: 0, uncheckedCount: 1 });
    expect(report.warnings.join()).toContain("database");
  });
});

/** Tells whether a tag or an index of a repository names the manifest of one of its revision links. */
async function leadsSomethingTo(driver: MemoryDriver, revisionLink: string): Promise<boolean> {
  const repository = revisionLink.slice(0, revisionLink.indexOf("/_manifests"));
  const digest = Buffer.from(await driver.get(revisionLink)).toString();
  for await (const { path } of driver.walk(`${repository}/_manifests`)) {
    const target = parseDigest(Buffer.from(await driver.get(path)).toString());
    if (path.endsWith("/current/link") && target === digest) return true;
    if (!path.includes("/revisions/")) continue;
    const json = JSON.parse(Buffer.from(await driver.get(blobDataPath(target))).toString());
    if ((json.manifests ?? []).some((entry: { digest: string }) => entry.digest === digest)) return true;
  }
  return false;
}

describe("verify on random stores", () => {
  it("is clean on each, and finds the loss of any one file that is needed", async () => {
    await fc.assert(
      fc.asyncProperty(pushSteps, fc.nat(), async (steps, pick) => {
        const driver = new MemoryDriver();
        await buildRandomTree(new RegistryTree(driver), steps);
        const sound = await verify(driver);
        expect(problemsOf(sound)).toEqual([]);

        // History links are needed by nobody who pulls, and the loss of a tag's link looks like a push that was killed.
        const needed = [...(await filesToKeep(driver, false))].filter((path) => !path.includes("/tags/"));
        const lost = needed[pick % needed.length] ?? "";
        const isMissed = !lost.includes("/revisions/") || (await leadsSomethingTo(driver, lost));
        await driver.delete(lost);

        expect((await verify(driver)).complete, lost).toBe(!isMissed);
      }),
      { numRuns: 100 },
    );
  });
});
