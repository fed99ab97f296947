import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { CancelledError, RegistryStateError, StorageUnavailableError } from "../../../../../src/errors.ts";
import { type Digest, digestOf, parseDigest } from "../../../../../src/oci/digest.ts";
import {
  blobDataPath,
  LOCKFILES_ROOT,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../../../../src/registry/paths.ts";
import { StepJournal } from "../../../../../src/state/step-journal.ts";
import { STORE_LOCK_PATH } from "../../../../../src/state/store-lock.ts";
import type { CopiesFrom } from "../../../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../../../src/storage/memory/memory-driver.ts";
import { type StorageCall, wrapDriver } from "../../../../../src/storage/wrappers/wrap-driver.ts";
import { type Pushed, RegistryTree, type RepositoryTree } from "../../../../support/registry-tree.ts";
import { RemoteStore } from "../../../../support/remote-store.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";
import { verify } from "../verify-store.ts";
import { repair } from "./repair-store.ts";

const OTHER = parseDigest(`sha256:${"0".repeat(64)}`);

interface Sample {
  driver: StorageDriver;
  /** Another store that has everything. */
  whole: StorageDriver;
  repository: RepositoryTree;
  shared: Pushed;
  image: Pushed;
  arm64: Pushed;
  index: Pushed;
}

async function fill(driver: StorageDriver) {
  const repository = new RegistryTree(driver).repository("a/b");
  const shared = await repository.layer("shared");
  const image = await repository.image("image", [shared, "own"], { tag: "v1" });
  const amd64 = await repository.image("amd64", [shared, "amd64 layer"]);
  const arm64 = await repository.image("arm64", ["arm64 layer"]);
  const index = await repository.index([amd64, arm64], { tag: "multi" });
  await repository.artifact("signed", index);
  const other = new RegistryTree(driver).repository("other");
  await other.image("image", [await other.layer("shared"), "own"], { tag: "copy" });
  return { repository, shared, image, arm64, index };
}

async function sample(driver: StorageDriver): Promise<Sample> {
  const whole = new MemoryDriver();
  await fill(whole);
  return { driver, whole, ...(await fill(driver)) };
}

async function contents(driver: StorageDriver): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const path of await new RegistryTree(driver).files()) {
    files.set(path, Buffer.from(await driver.get(path)).toString("latin1"));
  }
  return files;
}

const put = ({ driver }: Sample, path: string, text: string): Promise<void> =>
  driver.put(path, Buffer.from(text));
const configOf = (name: string): Digest => digestOf(Buffer.from(`config of ${name}`));

/** Damage from which a repair with another store that is whole recovers completely, byte for byte. */
const MENDED: [string, (s: Sample) => Promise<void>, object][] = [
  ["a layer is lost", (s) => s.driver.delete(blobDataPath(s.shared.digest)), { "fetch-blob": 1 }],
  ["a config is lost", (s) => s.driver.delete(blobDataPath(configOf("arm64"))), { "fetch-blob": 1 }],
  ["a layer is truncated", (s) => put(s, blobDataPath(s.shared.digest), "sha"), { "fetch-blob": 1 }],
  ["a layer is empty", (s) => put(s, blobDataPath(s.shared.digest), ""), { "fetch-blob": 1 }],
  ["a manifest is lost", (s) => s.driver.delete(blobDataPath(s.index.digest)), { "fetch-blob": 1 }],
  ["a manifest is damaged", (s) => put(s, blobDataPath(s.arm64.digest), "{}"), { "fetch-blob": 1 }],
  [
    "a layer link is lost",
    (s) => s.driver.delete(layerLinkPath("a/b", s.shared.digest)),
    { "restore-link": 1 },
  ],
  [
    "a layer link is lost with its blob",
    async (s) => {
      await s.driver.delete(layerLinkPath("a/b", s.shared.digest));
      await s.driver.delete(blobDataPath(s.shared.digest));
    },
    { "fetch-blob": 1, "restore-link": 1 },
  ],
  ["a layer link is empty", (s) => put(s, layerLinkPath("a/b", s.shared.digest), ""), { "rewrite-link": 1 }],
  [
    "a layer link leads elsewhere",
    (s) => put(s, layerLinkPath("a/b", s.shared.digest), OTHER),
    { "rewrite-link": 1 },
  ],
  [
    "a layer link is far too long",
    (s) => put(s, layerLinkPath("a/b", s.shared.digest), "x".repeat(5000)),
    { "rewrite-link": 1 },
  ],
  [
    "a revision link is empty",
    (s) => put(s, revisionLinkPath("a/b", s.image.digest), ""),
    { "rewrite-link": 1 },
  ],
  [
    "a history link leads elsewhere",
    (s) => put(s, tagHistoryLinkPath("a/b", "v1", s.image.digest), OTHER),
    { "rewrite-link": 1 },
  ],
  [
    "the revision link of a tag is lost",
    (s) => s.driver.delete(revisionLinkPath("a/b", s.image.digest)),
    { "restore-link": 1 },
  ],
  [
    "the revision link of a platform is lost",
    (s) => s.driver.delete(revisionLinkPath("a/b", s.arm64.digest)),
    { "restore-link": 1 },
  ],
  [
    "a platform is lost altogether, and more is found to be missing when it is back",
    async (s) => {
      await s.driver.delete(revisionLinkPath("a/b", s.arm64.digest));
      await s.driver.delete(blobDataPath(s.arm64.digest));
      await s.driver.delete(blobDataPath(configOf("arm64")));
      await s.driver.delete(layerLinkPath("a/b", configOf("arm64")));
    },
    { "fetch-blob": 2, "restore-link": 2 },
  ],
  [
    "a tag's link has a line end",
    (s) => put(s, tagCurrentLinkPath("a/b", "v1"), `${s.image.digest}\n`),
    { "rewrite-link": 1 },
  ],
];

const KINDS: [string, () => Promise<StorageDriver>][] = [
  ["in memory", async () => new MemoryDriver()],
  ["on a disk", async () => new FilesystemDriver({ rootDirectory: await temporaryFolder() })],
  ["over a network", async () => new RemoteStore().driver],
];

describe.each(KINDS)("a repair %s", (_kind, open) => {
  it.each(MENDED)("mends that %s", async (_what, damage, done) => {
    const s = await sample(await open());
    const sound = await contents(s.driver);
    await damage(s);
    const damaged = await contents(s.driver);

    const dry = await repair(s.driver, { from: s.whole, dryRun: true });
    expect(dry.found.problemCount).toBeGreaterThan(0);
    expect(dry.stepCount).toBeGreaterThan(0);
    expect(dry.done).toEqual({});
    expect(await contents(s.driver)).toEqual(damaged);

    const report = await repair(s.driver, { from: s.whole });
    expect(report.done).toEqual(done);
    expect(report).toMatchObject({ failures: 0, leftCount: 0, found: { problemCount: 0 } });
    expect(await contents(s.driver)).toEqual(sound);

    const again = await repair(s.driver, { from: s.whole });
    expect(again).toMatchObject({ stepCount: 0, done: {}, planned: {} });
  });

  it("removes links that lead to nothing and that nothing needs, with the folders that are empty then", async () => {
    const s = await sample(await open());
    const sound = await contents(s.driver);
    const gone = await s.repository.layer("collected");
    await s.driver.delete(blobDataPath(gone.digest));
    await s.driver.put(tagHistoryLinkPath("a/b", "v1", OTHER), Buffer.from(OTHER));
    await s.driver.put(tagHistoryLinkPath("a/b", "gone", OTHER), Buffer.from(OTHER));

    const report = await repair(s.driver);

    expect(report.done).toEqual({ "remove-link": 3 });
    expect(report.found.counts).toEqual({});
    expect(await contents(s.driver)).toEqual(sound);
    if (s.driver.name === "filesystem") {
      await expect(
        s.driver.stat("/docker/registry/v2/repositories/a/b/_manifests/tags/gone"),
      ).rejects.toThrow();
      await s.driver.stat("/docker/registry/v2/repositories/a/b/_manifests/tags/v1/index/sha256");
    }
  });
});

describe("a repair", () => {
  it("removes no link that a manifest may need which cannot be read", async () => {
    const s = await sample(new MemoryDriver());
    await s.driver.delete(blobDataPath(digestOf(Buffer.from("arm64 layer"))));
    await s.driver.put(blobDataPath(s.arm64.digest), Buffer.from("{"));
    const report = await repair(s.driver);
    expect(report.done).toEqual({});
    expect(report.left.map(({ message }) => message).join("\n")).toContain("cannot be read, and may need it");
    // With the manifest back, the blob is fetched too.
    const whole = await repair(s.driver, { from: s.whole });
    expect(whole).toMatchObject({ done: { "fetch-blob": 2 }, leftCount: 0, found: { problemCount: 0 } });
  });

  it("removes nothing if something could not be looked at", async () => {
    const s = await sample(new MemoryDriver());
    const gone = await s.repository.layer("collected");
    await s.driver.delete(blobDataPath(gone.digest));
    const denied = revisionLinkPath("other", s.image.digest);
    const driver = wrapDriver(s.driver, {
      without: ["getSync", "statFileSync", "scan"],
      call: async ({ path }, run) => {
        if (path === denied) throw new StorageUnavailableError("denied");
        return run();
      },
    });
    const report = await repair(driver);
    expect(report.done).toEqual({});
    expect(report.left.map(({ message }) => message).join("\n")).toContain(
      "not everything could be looked at",
    );
  });

  it("says without another store what is missing, and does the rest", async () => {
    const s = await sample(new MemoryDriver());
    await s.driver.delete(blobDataPath(s.shared.digest));
    await put(s, layerLinkPath("a/b", configOf("image")), "");
    const report = await repair(s.driver);
    expect(report).toMatchObject({ done: { "rewrite-link": 1 }, leftCount: 1, found: { problemCount: 1 } });
    expect(report.left[0]).toMatchObject({
      message: `blob ${s.shared.digest} is not stored`,
      hint: expect.stringContaining("--from"),
    });
  });

  it("fetches nothing that is damaged, missing or of another size elsewhere too", async () => {
    const s = await sample(new MemoryDriver());
    const [shared, own, config] = [s.shared.digest, digestOf(Buffer.from("own")), configOf("image")];
    for (const digest of [shared, own, config]) await s.driver.delete(blobDataPath(digest));
    await s.whole.put(blobDataPath(shared), Buffer.from("SHARED"));
    await s.whole.delete(blobDataPath(own));
    await s.whole.put(blobDataPath(config), Buffer.from("longer than the config of the image"));
    const report = await repair(s.driver, { from: s.whole });
    expect(report).toMatchObject({ done: {}, failures: 1, leftCount: 3 });
    expect(report.steps).toEqual([
      expect.objectContaining({ outcome: "failed", why: expect.stringContaining("have the digest") }),
    ]);
    for (const digest of [shared, own, config]) {
      await expect(s.driver.stat(blobDataPath(digest))).rejects.toThrow("no such path");
    }
  });

  it("compares the digest of what it fetches, also where a store could copy it by itself", async () => {
    const copyFrom: CopiesFrom["copyFrom"] = async (other, from, to) => {
      await driver.put(to, await other.get(from));
      return true;
    };
    const driver = Object.assign(new MemoryDriver(), { copyFrom });
    const { repository, whole } = await sample(driver);
    const large = await repository.layer("large".repeat(20_000));
    await repository.image("large", [large], { tag: "large" });
    await driver.delete(blobDataPath(large.digest));
    await whole.put(blobDataPath(large.digest), Buffer.from("wrong".repeat(20_000)));
    const report = await repair(driver, { from: whole });
    expect(report).toMatchObject({ done: {}, failures: 1 });
    await expect(driver.stat(blobDataPath(large.digest))).rejects.toThrow("no such path");
  });

  it("mends bytes that were changed without their number, if blobs are hashed", async () => {
    const s = await sample(new MemoryDriver());
    const sound = await contents(s.driver);
    await put(s, blobDataPath(s.shared.digest), "SHARED");
    expect((await repair(s.driver, { from: s.whole })).stepCount).toBe(0);
    const left = await repair(s.driver, { checksumPercent: 100 });
    expect(left.left[0]?.message).toBe(`blob ${s.shared.digest} is damaged`);
    const report = await repair(s.driver, { from: s.whole, checksumPercent: 100 });
    expect(report).toMatchObject({ done: { "fetch-blob": 1 }, found: { problemCount: 0 } });
    expect(await contents(s.driver)).toEqual(sound);
  });

  it("never guesses what an unreadable tag points to, and keeps its history", async () => {
    const s = await sample(new MemoryDriver());
    await s.repository.tag("v1", s.arm64.digest);
    await put(s, tagCurrentLinkPath("a/b", "v1"), "garbage");
    await s.driver.put(tagHistoryLinkPath("a/b", "v1", OTHER), Buffer.from(OTHER));
    const audit = [{ time: "2026-01-02T03:04:05.000Z", action: "tag-overwrite", after: s.arm64.digest }];
    const before = await contents(s.driver);
    const report = await repair(s.driver, { from: s.whole, dependencies: { auditOf: async () => audit } });
    expect(await contents(s.driver)).toEqual(before);
    expect(report).toMatchObject({ done: {}, found: { counts: { "broken-link": 1 } } });
    const [tag] = report.unreadableTags;
    expect(tag).toMatchObject({ repository: "a/b", tag: "v1", text: "garbage", audit });
    expect(tag?.history.map(({ digest, isStored }) => [digest, isStored]).sort()).toEqual(
      [
        [s.image.digest, true],
        [s.arm64.digest, true],
        [OTHER, false],
      ].sort(),
    );
  });

  it("makes no manifest of a layer that a tag points to", async () => {
    const s = await sample(new MemoryDriver());
    await put(s, tagCurrentLinkPath("a/b", "v1"), s.shared.digest);
    const before = await contents(s.driver);
    const report = await repair(s.driver, { from: s.whole });
    expect(report).toMatchObject({ stepCount: 0, found: { counts: { "tag-without-manifest": 1 } } });
    expect(report.left[0]?.message).toContain("is no sound manifest");
    expect(await contents(s.driver)).toEqual(before);
  });

  it("tells a manifest that was pushed broken from one that is damaged", async () => {
    const s = await sample(new MemoryDriver());
    const digest = await new RegistryTree(s.driver).blob("not json");
    await s.repository.linkRevision(digest);
    const report = await repair(s.driver, { from: s.whole });
    expect(report.left.map(({ message }) => message)).toEqual([
      `manifest ${digest} has the right bytes, and cannot be understood`,
    ]);
  });

  it("changes nothing that was changed since it was planned", async () => {
    const s = await sample(new MemoryDriver());
    await put(s, layerLinkPath("a/b", s.shared.digest), "");
    const gone = await s.repository.layer("collected");
    await s.driver.delete(blobDataPath(gone.digest));
    const report = await repair(s.driver, {
      onPlan: async () => {
        await put(s, layerLinkPath("a/b", s.shared.digest), s.shared.digest);
        await put(s, blobDataPath(gone.digest), "collected");
      },
    });
    expect(report.done).toEqual({});
    expect(report.steps.map(({ outcome }) => outcome)).toEqual(["skipped", "skipped"]);
    expect(report.found.problemCount).toBe(0);
  });

  it("refuses beside a registry that takes writes, a held lock or a metadata database, and a dry run warns", async () => {
    const s = await sample(new MemoryDriver());
    await put(s, layerLinkPath("a/b", s.shared.digest), "");
    const writes = { probe: async () => ({ kind: "other" as const, answer: "400: it takes writes" }) };
    await expect(repair(s.driver, { dependencies: writes })).rejects.toThrow(RegistryStateError);
    const dry = await repair(s.driver, { dependencies: writes, dryRun: true });
    expect(dry.warnings[0]).toContain("a real run would refuse");
    expect(dry.stepCount).toBe(1);

    await s.driver.put(
      STORE_LOCK_PATH,
      Buffer.from(
        JSON.stringify({
          ...{ token: "t", host: "other", bootId: "x", pidNamespace: "x", pid: 1 },
          startedAt: new Date().toISOString(),
          leaseUntil: new Date(Date.now() + 60_000).toISOString(),
        }),
      ),
    );
    await expect(repair(s.driver)).rejects.toThrow(RegistryStateError);
    await s.driver.delete(STORE_LOCK_PATH);

    await s.driver.put(`${LOCKFILES_ROOT}/database-in-use`, new Uint8Array());
    const refused = repair(s.driver);
    await expect(refused).rejects.toThrow("metadata in a database");
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining("database") });
  });

  it("writes down what it changes before it does, with what stood there", async () => {
    const s = await sample(new MemoryDriver());
    const path = layerLinkPath("a/b", s.shared.digest);
    await put(s, path, "damaged");
    const journal = new StepJournal(await temporaryFolder());
    const report = await repair(s.driver, { dependencies: { journal } });
    const lines = (await readFile(report.journal ?? "", "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { journal: expect.objectContaining({ command: "verify --repair", version: "1.0.0" }) },
      { step: { kind: "rewrite-link", path, digest: s.shared.digest, was: "damaged" } },
      { path, outcome: "done" },
      { end: "done" },
    ]);
  });

  it("leaves a sound store wherever it is stopped, and another run does the rest", async () => {
    const damage = async (s: Sample): Promise<void> => {
      for (const [what, work] of MENDED) if (/ lost$|empty$/.test(what)) await work(s).catch(() => undefined);
      const gone = await s.repository.layer("collected");
      await s.driver.delete(blobDataPath(gone.digest));
    };
    const writes: string[] = [];
    const counted = await sample(new MemoryDriver());
    const sound = await contents(counted.driver);
    await damage(counted);
    await repair(
      spied(counted.driver, (call) => void writes.push(call.path)),
      { from: counted.whole },
    );
    expect(await contents(counted.driver)).toEqual(sound);
    expect(writes.length).toBeGreaterThan(6);
    for (let at = 0; at < writes.length; at++) {
      const s = await sample(new MemoryDriver());
      await damage(s);
      const stop = new AbortController();
      let calls = 0;
      const driver = spied(s.driver, () => {
        if (calls++ === at) stop.abort();
      });
      const before = (await verify(s.driver)).problemCount;
      await repair(driver, { from: s.whole, signal: stop.signal }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(CancelledError);
      });
      expect((await verify(s.driver)).problemCount).toBeLessThanOrEqual(before + 4);
      await repair(s.driver, { from: s.whole });
      expect(await contents(s.driver)).toEqual(sound);
    }
  });
});

/** Tells of each change of the store. */
function spied(inner: StorageDriver, onChange: (call: StorageCall) => void): StorageDriver {
  return wrapDriver(inner, {
    call: async (call, run) => {
      if (["put", "delete", "openWriter"].includes(call.method)) onChange(call);
      return run();
    },
  });
}
