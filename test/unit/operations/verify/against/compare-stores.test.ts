import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../../src/errors.ts";
import { type Digest, digestOf, parseDigest } from "../../../../../src/oci/digest.ts";
import type { AgainstOptions } from "../../../../../src/operations/verify/against/against-options.ts";
import type { AgainstReport } from "../../../../../src/operations/verify/against/against-report.ts";
import { compareStores } from "../../../../../src/operations/verify/against/compare-stores.ts";
import { ChecksumRotation } from "../../../../../src/operations/verify/rotation/checksum-rotation.ts";
import {
  BLOBS_ROOT,
  blobDataPath,
  LOCKFILES_ROOT,
  layerLinkPath,
  ROOT,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
  uploadDataPath,
} from "../../../../../src/registry/paths.ts";
import type { ScannedFile } from "../../../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../../../src/storage/memory/memory-driver.ts";
import { wrapDriver } from "../../../../../src/storage/wrappers/wrap-driver.ts";
import { ClockedMemoryDriver } from "../../../../support/clocked-memory-driver.ts";
import { type Pushed, RegistryTree } from "../../../../support/registry-tree.ts";
import { RemoteStore } from "../../../../support/remote-store.ts";

const OTHER = parseDigest(`sha256:${"0".repeat(64)}`);

interface Sides {
  source: StorageDriver;
  target: StorageDriver;
  layer: Pushed;
  image: Pushed;
}

const KINDS: [string, () => StorageDriver][] = [
  ["on a disk", () => new MemoryDriver()],
  ["over a network", () => new RemoteStore().driver],
];

async function pair(open: () => StorageDriver, openTarget = open): Promise<Sides> {
  const source = open();
  const target = openTarget();
  let sample: { layer: Pushed; image: Pushed } | undefined;
  for (const driver of [source, target]) {
    const repository = new RegistryTree(driver).repository("a/b");
    const layer = await repository.layer("shared layer");
    const image = await repository.image("image", [layer, "own layer"], { tag: "v1" });
    sample = { layer, image };
  }
  if (!sample) throw new Error("there is no sample");
  return { source, target, ...sample };
}

function compare(
  { source, target }: Pick<Sides, "source" | "target">,
  options: Partial<AgainstOptions> = {},
  random?: () => number,
): Promise<AgainstReport> {
  return compareStores(
    source,
    target,
    { nowMs: Date.now, ...(random ? { random } : {}) },
    { concurrency: 4, checkGraph: false, sourceIsHeld: true, ...options },
  );
}

/** Its listings tell what a bucket's do. */
function withListedMd5({ driver, inner }: RemoteStore): StorageDriver {
  return wrapDriver(driver, {
    async *iterate<T>(_call: unknown, run: () => AsyncIterable<T>) {
      for await (const batch of run() as AsyncIterable<ScannedFile[]>) {
        yield batch.map((file) => {
          const bytes = inner.getSync(file.path) ?? Buffer.of();
          return { ...file, contentMd5: createHash("md5").update(bytes).digest("hex") };
        }) as T;
      }
    },
  });
}

const found = ({ differences }: AgainstReport): string[] =>
  differences.map(({ kind, path }) => `${kind} ${path}`);

/** What is done to one side, and what is to be found if that is the source, or the target. */
const DAMAGE: [
  string,
  (driver: StorageDriver, sides: Sides) => Promise<void>,
  (s: Sides) => [string, string],
][] = [
  [
    "a blob is lost",
    (driver, { layer }) => driver.delete(blobDataPath(layer.digest)),
    ({ layer }) => [`extra ${blobDataPath(layer.digest)}`, `missing ${blobDataPath(layer.digest)}`],
  ],
  [
    "a blob is truncated",
    (driver, { layer }) => driver.put(blobDataPath(layer.digest), Buffer.from("shar")),
    ({ layer }) => [`size ${blobDataPath(layer.digest)}`, `size ${blobDataPath(layer.digest)}`],
  ],
  [
    "a tag link is lost",
    (driver) => driver.delete(tagCurrentLinkPath("a/b", "v1")),
    () => [`extra ${tagCurrentLinkPath("a/b", "v1")}`, `missing ${tagCurrentLinkPath("a/b", "v1")}`],
  ],
  [
    "a tag points elsewhere",
    (driver) => driver.put(tagCurrentLinkPath("a/b", "v1"), Buffer.from(OTHER)),
    () => [`content ${tagCurrentLinkPath("a/b", "v1")}`, `content ${tagCurrentLinkPath("a/b", "v1")}`],
  ],
  [
    "a layer link is empty",
    (driver, { layer }) => driver.put(layerLinkPath("a/b", layer.digest), new Uint8Array()),
    ({ layer }) => {
      const path = layerLinkPath("a/b", layer.digest);
      return [`size ${path}`, `size ${path}`];
    },
  ],
  [
    "a revision link says something else",
    (driver, { image }) => driver.put(revisionLinkPath("a/b", image.digest), Buffer.from(OTHER)),
    ({ image }) => {
      const path = revisionLinkPath("a/b", image.digest);
      return [`content ${path}`, `content ${path}`];
    },
  ],
  [
    "a history link is lost",
    (driver, { image }) => driver.delete(tagHistoryLinkPath("a/b", "v1", image.digest)),
    ({ image }) => {
      const path = tagHistoryLinkPath("a/b", "v1", image.digest);
      return [`extra ${path}`, `missing ${path}`];
    },
  ],
  [
    "a file is there that nobody knows",
    (driver) => driver.put(`${ROOT}/repositories/a/b/README`, Buffer.from("?")),
    () => [`missing ${ROOT}/repositories/a/b/README`, `extra ${ROOT}/repositories/a/b/README`],
  ],
];

describe.each(KINDS)("comparing stores %s", (_name, open) => {
  it("finds no difference where there is none, and counts each top folder", async () => {
    const sides = await pair(open);
    const report = await compare(sides, { checkGraph: true, checksumPercent: 100 });
    expect(report).toMatchObject({
      complete: true,
      differenceCount: 0,
      differences: [],
      changing: 0,
      checksum: { percent: 100, blobs: 4, ofBlobs: 4 },
      uncheckedCount: 0,
      warnings: [],
      graph: { complete: true },
    });
    const files = { blobs: 4, repositories: 3 + 1 + 2 };
    expect(report.counts.map(({ folder, source, target }) => [folder, source.files, target.files])).toEqual([
      ["blobs/", files.blobs, files.blobs],
      ["repositories/", files.repositories, files.repositories],
      ["other", 0, 0],
    ]);
    expect(report.counts[0]?.source).toEqual(report.counts[0]?.target);
  });

  it.each(DAMAGE)("finds that %s, on either side", async (_what, damage, expected) => {
    const atSource = await pair(open);
    await damage(atSource.source, atSource);
    const atTarget = await pair(open);
    await damage(atTarget.target, atTarget);
    const [inSource, inTarget] = expected(atSource);
    expect(found(await compare(atSource))).toEqual([inSource]);
    expect(found(await compare(atTarget))).toEqual([inTarget]);
  });

  it("finds bytes that were changed without their number, on either side, when blobs are hashed", async () => {
    for (const side of ["source", "target"] as const) {
      const sides = await pair(open);
      const path = blobDataPath(sides.layer.digest);
      await sides[side].put(path, Buffer.from("SHARED layer"));
      expect((await compare(sides)).differenceCount).toBe(0);
      const report = await compare(sides, { checksumPercent: 100, hashesSource: true });
      expect(found(report)).toEqual([`digest ${path}`]);
      const other = side === "source" ? "target" : "source";
      const detail = report.differences[0]?.detail ?? "";
      expect(detail).toContain(
        `the bytes of the ${side} have the digest ${digestOf(Buffer.from("SHARED layer"))}`,
      );
      expect(detail).toContain(`the ${other} has the right bytes`);
    }
  });

  it("hashes only the target unless it is told, and the source of what is wrong there", async () => {
    const sides = await pair(open);
    const path = blobDataPath(sides.layer.digest);
    await sides.source.put(path, Buffer.from("SHARED layer"));
    expect((await compare(sides, { checksumPercent: 100 })).differenceCount).toBe(0);
    await sides.target.put(path, Buffer.from("Shared LAYER"));
    const { differences } = await compare(sides, { checksumPercent: 100 });
    expect(differences[0]?.detail).toMatch(/the bytes of the source .*; the bytes of the target/);
  });
});

describe("comparing stores", () => {
  it("compares a disk with a network, and says which side a link's path proves right", async () => {
    const sides = await pair(
      () => new MemoryDriver(),
      () => new RemoteStore().driver,
    );
    const path = layerLinkPath("a/b", sides.layer.digest);
    await sides.target.put(path, Buffer.from(OTHER));
    const { differences } = await compare(sides);
    expect(differences).toEqual([
      {
        kind: "content",
        path,
        detail: `the link of a/b to blob ${sides.layer.digest} says ${sides.layer.digest} in the source and ${OTHER} in the target; its path says that the source is right`,
      },
    ]);
  });

  it("says of a small blob which size is right", async () => {
    const sides = await pair(() => new MemoryDriver());
    await sides.target.put(blobDataPath(sides.layer.digest), Buffer.from("shar"));
    const { differences } = await compare(sides);
    expect(differences[0]?.detail).toMatch(
      /has 12 bytes in the source and 4 bytes in the target; the source has the right bytes; the bytes of the target have/,
    );
  });

  it("leaves out uploads, and what is not below v2", async () => {
    const sides = await pair(() => new MemoryDriver());
    await sides.source.put(uploadDataPath("a/b", "1"), Buffer.from("half"));
    await sides.source.put(`${LOCKFILES_ROOT}/registry-ctl.lock`, Buffer.from("{ }"));
    await sides.source.put(`${LOCKFILES_ROOT}/read-only`, Buffer.from("{}"));
    await sides.source.put("/unrelated/file", Buffer.from("?"));
    const report = await compare(sides);
    expect(report).toMatchObject({ complete: true, differenceCount: 0 });
    expect(report.counts[1]?.source).toEqual(report.counts[1]?.target);
    expect(report.counts[2]).toEqual({
      folder: "other",
      source: { files: 1, bytes: 2 },
      target: { files: 0, bytes: 0 },
    });
  });

  describe("with the proof read where it costs nothing", () => {
    const options = { checkGraph: true, readsSameAtSource: true };
    const bucket = async () => {
      const store = new RemoteStore();
      const sides = await pair(
        () => new MemoryDriver(),
        () => withListedMd5(store),
      );
      return { store, sides };
    };

    it("asks a bucket for no file that its listing shows to be the same", async () => {
      const { store, sides } = await bucket();
      const report = await compare(sides, options);
      expect(report).toMatchObject({ complete: true, graph: { complete: true, checked: { tags: 1 } } });
      expect(store.count("get")).toBe(0);
      expect((await compare(sides, { checkGraph: true })).complete).toBe(true);
      expect(store.count("get")).toBeGreaterThan(1);
    });

    it("finds a manifest in the bucket that has the right size only", async () => {
      const { store, sides } = await bucket();
      const path = blobDataPath(sides.image.digest);
      const bytes = Buffer.from(await sides.source.get(path));
      bytes[bytes.length - 1] = 0x20;
      await store.inner.put(path, bytes);
      const report = await compare(sides, options);
      expect(report).toMatchObject({ complete: false, differenceCount: 0, graph: { complete: false } });
    });

    it("reads all of the bucket where something differs", async () => {
      const { store, sides } = await bucket();
      await sides.source.put(layerLinkPath("a/b", OTHER), Buffer.from(OTHER));
      expect((await compare(sides, options)).complete).toBe(false);
      expect(store.count("get")).toBeGreaterThan(1);
    });
  });

  it("finds files beside blobs and repositories", async () => {
    const sides = await pair(() => new MemoryDriver());
    await sides.source.put(`${ROOT}/README`, Buffer.from("1"));
    await sides.source.put(`${ROOT}/more/file`, Buffer.from("1"));
    await sides.target.put(`${ROOT}/README`, Buffer.from("2"));
    expect(found(await compare(sides))).toEqual([`content ${ROOT}/README`, `missing ${ROOT}/more/file`]);
  });

  it("takes what the source has changed since the beginning for no difference", async () => {
    const source = new ClockedMemoryDriver(1_000_000);
    const target = new MemoryDriver();
    for (const driver of [source, target]) {
      await new RegistryTree(driver).repository("a").image("image", ["layer"], { tag: "v1" });
    }
    source.nowMs = 2_000_000;
    await new RegistryTree(source).repository("a").image("late", [], { tag: "v1" });
    const late = await compareStores(
      source,
      target,
      { nowMs: () => 2_000_001 },
      { concurrency: 4, checkGraph: false },
    );
    expect(late).toMatchObject({ complete: true, differenceCount: 0, changing: 6 });
    const held = await compareStores(
      source,
      target,
      { nowMs: () => 2_000_001 },
      { concurrency: 4, checkGraph: false, sourceIsHeld: true },
    );
    expect(held).toMatchObject({ complete: false, differenceCount: 6, changing: 0 });
    const since = await compareStores(
      source,
      target,
      { nowMs: () => 3_000_000 },
      { concurrency: 4, checkGraph: false, asOfMs: 2_000_000 },
    );
    expect(since).toMatchObject({ complete: true, differenceCount: 0, changing: 6 });
  });

  it("compares only the repositories that are named, with the blobs that they link to", async () => {
    const sides = await pair(() => new MemoryDriver());
    for (const driver of [sides.source, sides.target]) {
      await new RegistryTree(driver).repository("other").image("other", ["lost"], { tag: "v1" });
    }
    const [lost, shared] = [digestOf(Buffer.from("lost")), digestOf(Buffer.from("shared layer"))];
    await sides.target.delete(blobDataPath(lost));
    await sides.target.delete(blobDataPath(shared));
    const report = await compare(sides, { repositories: ["a"], checkGraph: true });
    expect(found(report)).toEqual([`missing ${blobDataPath(shared)}`]);
    expect(report.onlyRepositories).toEqual(["a"]);
    expect(report.graph?.counts).toEqual({ "missing-blob": 1 });
    expect(report.counts.map(({ folder }) => folder)).toEqual(["blobs/", "repositories/"]);
    await expect(compare(sides, { repositories: ["none"] })).rejects.toThrow("none");
  });

  it("knows nothing of what is in a folder that cannot be listed", async () => {
    const sides = await pair(() => new MemoryDriver());
    const folder = `${ROOT}/repositories/a/b/_layers`;
    const target = wrapDriver(sides.target, {
      call: async ({ path }, run) => {
        if (path === folder) throw new StorageUnavailableError("denied");
        return run();
      },
      without: ["scan", "getSync", "statFileSync"],
    });
    const report = await compare({ ...sides, target });
    expect(report).toMatchObject({ complete: false, differenceCount: 0, uncheckedCount: 1 });
    expect(report.unchecked).toEqual([{ path: `${folder} in the target`, error: "denied" }]);
  });

  it("warns of a store in which nothing is", async () => {
    const { source } = await pair(() => new MemoryDriver());
    const report = await compare({ source, target: new MemoryDriver() });
    expect(report.warnings).toEqual(["there is nothing in the target: is it mounted?"]);
    expect(report.differenceCount).toBe(10);
  });

  it("tells what the target cannot serve although it is the same at the source", async () => {
    const sides = await pair(() => new MemoryDriver());
    for (const driver of [sides.source, sides.target]) await driver.delete(blobDataPath(sides.layer.digest));
    const report = await compare(sides, { checkGraph: true });
    expect(report).toMatchObject({ complete: false, differenceCount: 0, graph: { problemCount: 1 } });
  });

  it("hashes a share by chance, and by turns all of them, whatever comes and goes", async () => {
    const sides = await pair(() => new MemoryDriver());
    const numbers = [0.1, 0.6, 0.2, 0.9];
    const byChance = await compare(sides, { checksumPercent: 50 }, () => numbers.pop() ?? 0);
    expect(byChance.checksum).toMatchObject({ blobs: 2, ofBlobs: 4 });
    let from = 0;
    let hashed = 0;
    for (let run = 0; run < 4; run++) {
      const rotation = new ChecksumRotation(25, from);
      hashed += (await compare(sides, { checksumPercent: 25, rotation })).checksum?.blobs ?? 0;
      from = rotation.reached;
    }
    expect(hashed).toBe(4);
  });

  it("counts thousands of differences and keeps the first in order", async () => {
    const source = new MemoryDriver();
    const digests: Digest[] = [];
    for (let n = 0; n < 1500; n++) digests.push(await new RegistryTree(source).blob(`blob ${n}`));
    const report = await compare({ source, target: new MemoryDriver() });
    expect(report.differenceCount).toBe(1500);
    expect(report.differencesByKind).toEqual({ missing: 1500 });
    const paths = report.differences.map(({ path }) => path);
    expect(paths).toEqual(digests.map(blobDataPath).sort().slice(0, 1000));
    expect(paths[0]).toContain(BLOBS_ROOT);
  });
});
