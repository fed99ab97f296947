import { describe, expect, it } from "vitest";
import { layerLinkPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { countDriver } from "../../../src/storage/wrappers/count/count-driver.ts";
import { collect, TEST_HOLDER } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { Refusal } from "../../support/s3-server/reply.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { problemsOf, verify } from "../../unit/operations/verify/verify-store.ts";
import { faultyServer, impatientDriver } from "./faulty-store.ts";

const BUCKET = "registry";
const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };
const HOUR_MS = 3_600_000;

/** Twenty repositories with an image each that all have, one of their own, and one that is untagged. */
async function buildTree(s3: S3Server): Promise<{ keys: number; manifests: number; tags: number }> {
  const memory = new MemoryDriver();
  const tree = new RegistryTree(memory);
  for (let number = 0; number < 20; number++) {
    const repository = tree.repository(`group-${number % 3}/r${number}`);
    await repository.image("shared", ["shared layer"], { tag: "shared" });
    await repository.image(`own ${number}`, [`layer ${number}`], { tag: "own" });
    await repository.image(`untagged ${number}`, [`dead layer ${number}`]);
  }
  for await (const { path } of memory.walk("/"))
    s3.bucket(BUCKET).put(path.slice(1), Buffer.from(await memory.get(path)), Date.now());
  return { keys: s3.objects(BUCKET).size, manifests: 1 + 40, tags: 40 };
}

describe("a collection on S3", () => {
  it("takes no more requests than pages, manifests and tags, and tells how many, also where pages are short", async () => {
    const s3 = await faultyServer();
    const { keys, manifests, tags } = await buildTree(s3);
    s3.options.pageLimit = (wanted) => Math.min(wanted, 7);
    const { driver, counts } = countDriver(impatientDriver(s3, BUCKET));
    s3.requests.length = 0;

    const report = await collect(driver, { deleteUntagged: true, dryRun: true });

    const total = Object.values(report.requests ?? {}).reduce((sum, number) => sum + number, 0);
    expect(total).toBe(s3.requests.length);
    expect(report.requests).toEqual(counts.requests);
    expect(report.requests?.["GET object"]).toBe(manifests + tags);
    expect(total).toBeLessThanOrEqual(keys / 7 + manifests + tags + 300);
    expect(report.eligible).toMatchObject({ manifests: 20, layerLinks: 40, blobs: 60 });
  });

  it("leaves what verify finds whole, and finds nothing more to do", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    const driver = impatientDriver(s3, BUCKET);

    const report = await collect(driver, { deleteUntagged: true });

    expect(report).toMatchObject({ deleted: report.eligible, failed: [], warnings: [] });
    const checked = await verify(driver, { checksumPercent: 100, strict: true });
    expect(checked).toMatchObject({ complete: true, unneeded: { blobs: 0, layerLinks: 0 } });
    expect((await collect(driver, { deleteUntagged: true })).eligible).toEqual(NOTHING);
    const locks = [...s3.objects(BUCKET).keys()].filter((key) => key.includes("lockfiles"));
    expect(locks).toEqual([]);
  });

  it("does not touch keys that stand for folders, and tells of them", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    const markers = [
      "docker/registry/v2/repositories/",
      "docker/registry/v2/repositories/group-0/r0/_manifests/tags/",
    ];
    for (const key of markers) s3.bucket(BUCKET).put(key, Buffer.alloc(0), Date.now());
    const driver = impatientDriver(s3, BUCKET);

    const report = await collect(driver, { deleteUntagged: true });

    expect(report.folderMarkers).toEqual({ count: 2, first: markers });
    expect(report.deleted).toMatchObject({ manifests: 20, blobs: 60 });
    expect([...s3.objects(BUCKET).keys()].filter((key) => key.endsWith("/"))).toEqual(markers);
    expect((await verify(driver)).counts).toEqual({ "folder-markers": 1 });
  });

  it("tells what a versioned bucket keeps, and which rule is missing", async () => {
    const s3 = await faultyServer();
    s3.bucket(BUCKET).versioning = "on";
    await buildTree(s3);

    const report = await collect(impatientDriver(s3, BUCKET), { deleteUntagged: true });

    expect(report.versions).toMatchObject({
      versioning: "on",
      expire: false,
      noncurrent: { isComplete: true },
    });
    expect(report.warnings).toEqual([expect.stringContaining("NoncurrentVersionExpiration")]);
    expect(report.failed).toEqual([]);
  });

  it("does not tell as freed what the store keeps although it said that it was deleted", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    const { eligible } = await collect(impatientDriver(s3, BUCKET), { deleteUntagged: true, dryRun: true });
    s3.bucket(BUCKET).keepsSilently = (key) => key.endsWith("/data");

    const report = await collect(impatientDriver(s3, BUCKET), { deleteUntagged: true });

    expect(report.deleted).toEqual({ ...eligible, blobs: 0, bytes: 0 });
    expect(report.failed).toHaveLength(eligible.blobs);
    expect(report.failed[0]?.error).toContain("object lock");
  });

  it("keeps what it may not read, whatever else it may", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    s3.options.policy = ({ operation, key }) =>
      operation === "GetObject" && key.endsWith("/data")
        ? new Refusal(403, "AccessDenied", "Access Denied")
        : undefined;
    const before = [...s3.objects(BUCKET).keys()];

    const report = await collect(impatientDriver(s3, BUCKET), { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect([...s3.objects(BUCKET).keys()]).toEqual(before);
  });

  it("fails before anything is deleted where it may not list", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    const before = s3.objects(BUCKET).size;
    const driver = impatientDriver(s3, BUCKET);
    const time = await driver.now();
    Object.assign(driver, { now: async () => time });
    s3.options.policy = ({ operation }) =>
      operation === "ListObjectsV2" ? new Refusal(403, "AccessDenied", "Access Denied") : undefined;

    // It cannot even tell whether a server takes writes.
    await expect(collect(driver, { deleteUntagged: true })).rejects.toThrow(/cannot list .*access denied/);

    expect(s3.objects(BUCKET).size).toBe(before);
  });

  it("tells each file that it may not delete, and keeps what these refer to", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    const before = [...s3.objects(BUCKET).keys()];
    s3.options.policy = ({ operation }) =>
      operation === "DeleteObjects" ? new Refusal(403, "AccessDenied", "Access Denied") : undefined;

    const report = await collect(impatientDriver(s3, BUCKET), { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(report.failed).toHaveLength(20);
    expect([...s3.objects(BUCKET).keys()]).toEqual(before);
  });

  it("measures grace by the store's clock, and refuses one that is wrong", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    const driver = impatientDriver(s3, BUCKET);

    expect((await collect(driver, { deleteUntagged: true, graceMs: HOUR_MS })).deleted).toEqual(NOTHING);
    // Clocks that differ by more make S3 refuse each request.
    s3.options.clockSkewMs = 6 * 60_000;
    await expect(collect(driver, { graceMs: HOUR_MS })).rejects.toThrow("the store's clock");
    const dry = await collect(driver, { graceMs: HOUR_MS, dryRun: true });
    expect(dry.warnings).toEqual([expect.stringContaining("the store's clock")]);
  });

  it("is kept out by another run, and takes over the lock of one that died", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    const driver = impatientDriver(s3, BUCKET);
    let outcome: Promise<unknown> | undefined;
    await collect(driver, {
      deleteUntagged: true,
      onPlan: async () => {
        outcome = collect(impatientDriver(s3, BUCKET), {}).catch((error: Error) => error.name);
        await outcome;
      },
    });
    expect(await outcome).toBe("StoreLockedError");

    await collect(driver, { onPlan: () => Promise.reject(new Error("killed")) }).catch(() => undefined);
    const lock = {
      token: "dead",
      host: "h",
      bootId: "b",
      pidNamespace: "p",
      pid: 1,
      startedAt: "",
      leaseUntil: "2020-01-01T00:00:00Z",
    };
    await driver.put("/docker/registry/lockfiles/registry-ctl.lock", Buffer.from(JSON.stringify(lock)));
    const next = await collect(driver, {}, { holder: { ...TEST_HOLDER, host: "next" } });
    expect(next.failed).toEqual([]);
    expect([...s3.objects(BUCKET).keys()].filter((key) => key.includes("lockfiles"))).toEqual([]);
  });
});

describe("verify on S3", () => {
  it("finds what is missing and damaged, and reads each link and manifest once", async () => {
    const s3 = await faultyServer();
    await buildTree(s3);
    const driver = impatientDriver(s3, BUCKET);
    const tree = new RegistryTree(driver);
    const lost = await tree.repository("broken").image("lost", ["lost layer"], { tag: "v1" });
    const layer = [...s3.objects(BUCKET)].find(([, { body }]) => body.toString() === "lost layer")?.[0] ?? "";
    s3.objects(BUCKET).delete(layer);
    const hex = layer.split("/").at(-2) ?? "";
    await driver.put(layerLinkPath("group-1/r1", lost.digest), Buffer.from(`sha256:${hex}`));
    s3.requests.length = 0;

    const report = await verify(driver);

    expect(problemsOf(report)).toEqual(["missing-blob broken:v1", "wrong-link"]);
    const links = [...s3.objects(BUCKET).keys()].filter((key) => key.endsWith("/link")).length;
    const manifests = 1 + 40 + 1;
    expect(s3.count("GetObject")).toBeLessThanOrEqual(links + manifests + 1);
    expect(report.requests?.["GET object"]).toBe(s3.count("GetObject"));
  });
});

describe("lists of a registry on S3", () => {
  it("names tags by one listing, and all that point to a manifest with a request for each", async () => {
    const s3 = await faultyServer({ latencyMs: 20 });
    const driver = impatientDriver(s3, BUCKET);
    const tree = new RegistryTree(driver);
    const image = await tree.repository("app").image("one", [], { tag: "v0" });
    for (let number = 1; number < 50; number++) await tree.repository("app").tag(`v${number}`, image.digest);
    const { tags } = new Registry(driver).repository("app");
    s3.requests.length = 0;

    const page = await tags.list({ limit: 10, last: "v1" });
    expect(page).toEqual({
      tags: ["v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19"],
      more: true,
    });
    expect(s3.requests).toHaveLength(1);

    s3.peaks.clear();
    expect(await tags.pointingTo(image.digest)).toHaveLength(50);
    expect(s3.requests).toHaveLength(2 + 50);
    expect(s3.peaks.get("GetObject")).toBeGreaterThan(8);
  });

  it("names repositories with two listings for each, many of them at once", async () => {
    const s3 = await faultyServer({ latencyMs: 20 });
    await buildTree(s3);
    const registry = new Registry(impatientDriver(s3, BUCKET));
    s3.requests.length = 0;
    s3.peaks.clear();

    const { names } = await registry.catalog({ limit: 100 });

    expect(names).toHaveLength(20);
    expect(names).toEqual([...names].sort());
    expect(s3.requests.length).toBeLessThanOrEqual(2 * (20 + 3) + 1);
    expect(s3.peaks.get("ListObjectsV2")).toBeGreaterThan(8);
  });
});
