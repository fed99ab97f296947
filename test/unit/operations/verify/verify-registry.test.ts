import { describe, expect, it } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { digestOf } from "../../../../src/oci/digest.ts";
import { proveComplete } from "../../../../src/operations/verify/verify-outcome.ts";
import { verifyRegistry } from "../../../../src/operations/verify/verify-registry.ts";
import {
  blobDataPath,
  layerLinkPath,
  REPOSITORIES_ROOT,
  revisionLinkPath,
} from "../../../../src/registry/paths.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { withoutAbilities } from "../../../support/registry-stores.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { problemsOf, verify } from "./verify-store.ts";

const OPTIONS = {
  checksumPercent: undefined,
  repositories: [],
  concurrency: 4,
  usesMetadataDatabase: false,
};

async function imageTree(): Promise<RegistryTree> {
  const tree = new RegistryTree(new MemoryDriver());
  await tree.repository("a").image("image", ["layer"], { tag: "v1" });
  return tree;
}

describe("verify's checksums", () => {
  it("are taken of a share by chance, and the report says of which", async () => {
    const tree = await imageTree();
    for (let number = 0; number < 7; number++) await tree.blob(`blob ${number}`);
    let turn = 0;
    const random = () => (turn++ % 10) / 10;

    const report = await verify(tree.driver, { checksumPercent: 30, random });

    expect(report.checksum).toMatchObject({ percent: 30, blobs: 3, ofBlobs: 10 });
    expect(report.checksum?.ofBytes).toBe(report.checked.bytes);
  });

  it("find the bytes behind a SHA-512 link of the Go registry wrong", async () => {
    const tree = await imageTree();
    const long = digestOf(Buffer.from("right"), "sha512");
    const stored = await tree.blob("wrong");
    await tree.driver.put(layerLinkPath("a", long), Buffer.from(stored));
    const layer = { digest: long, mediaType: "application/vnd.oci.image.layer.v1.tar", size: 5 };
    await tree.repository("a").image("sha512", [layer], { tag: "long" });

    expect(problemsOf(await verify(tree.driver))).toEqual([]);
    expect(problemsOf(await verify(tree.driver, { checksumPercent: 100 }))).toEqual(["wrong-digest a:long"]);
  });

  it("are also taken where only one repository is looked at, and only of what it needs", async () => {
    const tree = await imageTree();
    const layer = await tree.repository("a").layer("layer");
    await tree.repository("b").image("other", ["other layer"], { tag: "v1" });
    await tree.driver.put(blobDataPath(layer.digest), Buffer.from("LAYER"));

    const report = await verify(tree.driver, { checksumPercent: 100, repositories: ["a"] });

    expect(problemsOf(report)).toEqual(["wrong-digest a:v1"]);
    expect(report.checksum).toMatchObject({ blobs: 3, ofBlobs: 3 });
    expect(problemsOf(await verify(tree.driver, { checksumPercent: 100, repositories: ["b"] }))).toEqual([]);
  });

  it("read a store without fast reads as streams", async () => {
    const tree = await imageTree();
    const layer = await tree.repository("a").layer("layer");
    await tree.driver.put(blobDataPath(layer.digest), Buffer.from("LAYER"));
    const report = await verify(withoutAbilities(tree.driver), { checksumPercent: 100 });
    expect(problemsOf(report)).toEqual(["wrong-digest a:v1"]);
  });
});

describe("verify beside a running registry", () => {
  it("does not take a push that comes meanwhile for damage", async () => {
    const tree = await imageTree();
    await tree.repository("b").image("later", ["b"], { tag: "v1" });
    const driver = whenListed(tree.driver, `${REPOSITORIES_ROOT}`, async () => {
      const repository = tree.repository("a");
      const child = await repository.image("new", ["new layer"]);
      await repository.index([child], { tag: "new" });
      // The scan sees the tag moved to what it has not seen.
      await repository.tag("v1", (await repository.image("newer", ["newer layer"])).digest);
    });

    const report = await verify(driver);

    expect(problemsOf(report)).toEqual([]);
    expect(report.uncheckedCount).toBe(0);
  });
});

describe("verify of a blob that goes between listing and reading", () => {
  it("finds it missing if it is needed, and nothing wrong if it is not", async () => {
    for (const [content, expected] of [
      ["layer", ["missing-blob a:v1"]],
      ["orphan", []],
    ] as const) {
      const tree = await imageTree();
      await tree.blob("orphan");
      const path = blobDataPath(digestOf(Buffer.from(content)));
      const driver = Object.assign(withoutAbilities(tree.driver), {
        read: async (read: string) => {
          if (read === path && (await tree.has(path))) await tree.driver.delete(path);
          return tree.driver.read(read);
        },
      });

      const report = await verify(driver, { checksumPercent: 100 });

      expect(problemsOf(report)).toEqual(expected);
      expect(report.unchecked).toEqual([]);
    }
  });
});

describe("verify", () => {
  it("counts many findings and keeps some", async () => {
    const tree = await imageTree();
    const lost = Array.from({ length: 1200 }, (_, number) => ({
      digest: digestOf(Buffer.from(`lost ${number}`)),
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      size: 1,
    }));
    await tree.repository("a").image("broken", lost, { tag: "broken" });

    const report = await verify(tree.driver);

    expect(report.problemCount).toBe(2400);
    expect(report.counts).toEqual({ "missing-blob": 1200, "missing-layer-link": 1200 });
    expect(report.problems).toHaveLength(2000);
  });

  it("names the first repositories and tags of a finding, and how many there are", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    for (let number = 0; number < 60; number++) {
      const repository = tree.repository(`r${number}`);
      const { digest } = await repository.image("shared", ["layer"], { tag: "one" });
      await repository.tag("two", digest);
    }
    await tree.driver.delete(blobDataPath(digestOf(Buffer.from("layer"))));

    const [finding] = (await verify(tree.driver)).problems;

    expect(finding?.repositories.total).toBe(60);
    expect(finding?.repositories.first).toHaveLength(50);
    expect(finding?.tags.total).toBe(120);
    expect(finding?.tags.first).toHaveLength(50);
    expect(finding?.tags.first.slice(0, 2)).toEqual(["r0:one", "r0:two"]);
  });

  it("stops when it is asked to", async () => {
    const tree = await imageTree();
    await expect(verify(tree.driver, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });

  it("refuses a repository that is not there", async () => {
    const tree = await imageTree();
    await expect(verify(tree.driver, { repositories: ["b"] })).rejects.toThrow("repository b does not exist");
  });

  it("takes no link for dangling that a collection removes together with its blob", async () => {
    const tree = await imageTree();
    const { digest } = await tree.repository("a").layer("collected");
    await tree.driver.delete(blobDataPath(digest));
    const { driver } = tree;
    const collecting = withoutAbilities(driver);
    const { stat } = collecting;
    collecting.stat = async (path) => {
      if (path === blobDataPath(digest)) await driver.delete(layerLinkPath("a", digest));
      return stat.call(collecting, path);
    };
    expect(problemsOf(await verify(collecting))).toEqual([]);
  });

  it("counts a blob once whose bytes go by two digests", async () => {
    const tree = await imageTree();
    const bytes = Buffer.from("long digest");
    const long = digestOf(bytes, "sha512");
    const stored = await tree.blob("long digest");
    const repository = tree.repository("a");
    await tree.driver.put(layerLinkPath("a", long), Buffer.from(stored));
    await repository.linkLayer(stored);
    await repository.image("two", [{ digest: long, mediaType: "x/y", size: bytes.length }], { tag: "two" });

    const { checked, checksum } = await verify(tree.driver, { checksumPercent: 100 });

    expect(checksum).toMatchObject({ blobs: checked.blobs, ofBlobs: checked.blobs, bytes: checked.bytes });
    await tree.driver.put(blobDataPath(stored), Buffer.from("LONG DIGEST"));
    const damaged = await verify(tree.driver, { checksumPercent: 100 });
    expect(problemsOf(damaged)).toEqual(["wrong-digest", "wrong-digest a:two"]);
  });

  it("tells how far it is", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    for (let number = 0; number < 30; number++) {
      await tree.repository(`group/r${number}`).image(`image ${number}`, ["1", "2", "3"], { tag: "v1" });
    }
    const phases: string[] = [];
    let last = { done: 0, total: 0 };
    await verifyRegistry(
      {
        driver: tree.driver,
        nowMs: Date.now,
        onProgress: ({ phase, done, total = 0 }) => {
          if (phases.at(-1) !== phase) phases.push(phase);
          last = { done, total };
        },
      },
      { ...OPTIONS, checksumPercent: 100 },
    );
    expect(phases).toEqual(["blobs", "checksums", "repositories"]);
    expect(last.total).toBe(30);
    expect(last.done).toBeGreaterThan(0);
  });

  it("warns where a pull-through cache keeps only what was asked for", async () => {
    const tree = await imageTree();
    await tree.driver.put("/scheduler-state.json", Buffer.from("{}"));
    expect((await verify(tree.driver)).warnings.join()).toContain("pull-through cache");
  });
});

describe("proveComplete", () => {
  it("says in lines what is broken, for the report of another operation", async () => {
    const tree = await imageTree();
    const dependencies = { driver: tree.driver, nowMs: Date.now };
    expect(await proveComplete(dependencies, { concurrency: 4 })).toEqual({
      complete: true,
      problems: 0,
      lines: [],
    });

    const collected = await tree.repository("a").layer("collected");
    await tree.driver.delete(blobDataPath(collected.digest));
    await tree.driver.put(`${REPOSITORIES_ROOT}/a/README`, Buffer.from("?"));
    expect((await verify(tree.driver)).counts).toEqual({ "dangling-layer-link": 1, "unknown-files": 1 });
    expect(await proveComplete(dependencies, { concurrency: 4 })).toEqual({
      complete: true,
      problems: 0,
      lines: [],
    });

    const { digest } = await tree.repository("a").image("image", ["layer"]);
    await tree.driver.delete(revisionLinkPath("a", digest));
    expect(await proveComplete(dependencies, { concurrency: 4 })).toEqual({
      complete: false,
      problems: 1,
      lines: [
        `tag a:v1 points to manifest ${digest}, and the repository's link to it is missing; breaks a:v1`,
      ],
    });
  });
});

/** Does something once the files below a folder were listed, before any of them is given. */
function whenListed(driver: StorageDriver, folder: string, act: () => Promise<void>): StorageDriver {
  const { walk } = driver;
  return Object.assign(withoutAbilities(driver), {
    async *scan(path: string) {
      const files: { path: string }[] = [];
      try {
        for await (const file of walk.call(driver, path)) files.push({ path: file.path });
      } catch {
        return;
      }
      if (path === folder) await act();
      yield files;
    },
  });
}
