import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/oci/digest.ts";
import { blobDataPath, uploadDataPath, uploadStartedAtPath } from "../../../../src/registry/paths.ts";
import { type PurgedUpload, purgeUploads } from "../../../../src/registry/uploads/purge-uploads.ts";
import type { FailedRemoval } from "../../../../src/registry/uploads/remove-upload.ts";
import { AgedObjectStore } from "../../../support/aged-memory-driver.ts";
import { filesOf } from "../../../support/registry-stores.ts";

const DAY = 86_400_000;
const now = Date.now();
const OLD = now - 8 * DAY;

describe("purging what is unfinished in an object store", () => {
  let driver: AgedObjectStore;
  let purged: PurgedUpload[];
  let failed: FailedRemoval[];

  beforeEach(() => {
    driver = new AgedObjectStore();
    purged = [];
    failed = [];
  });

  const purge = (dryRun = false) =>
    purgeUploads(driver, {
      ...{ nowMs: now, olderThanMs: 7 * DAY, dryRun, concurrency: 4 },
      onPurged: (upload) => void purged.push(upload),
      onFailure: (failure) => void failed.push(failure),
    });
  const parts = (path: string, startedMs: number, writtenMs = startedMs) =>
    driver.parts.push({ path, startedMs, writtenMs, sizeBytes: 5 });

  it("removes the parts of an abandoned upload with its files", async () => {
    const uuid = randomUUID();
    await driver.putAt(uploadStartedAtPath("a", uuid), "2020-01-01T00:00:00Z", OLD);
    parts(uploadDataPath("a", uuid), OLD);
    await purge();
    expect(purged).toMatchObject([{ upload: { repository: "a", uuid }, sizeBytes: 5 + 20, writtenMs: OLD }]);
    expect([await filesOf(driver), driver.parts, failed]).toEqual([[], [], []]);
  });

  it("finds an upload of which only parts are left", async () => {
    const uuid = randomUUID();
    parts(uploadDataPath("a/b", uuid), OLD);
    expect(await purge()).toMatchObject({ found: 1, kept: 0 });
    expect(purged).toMatchObject([{ upload: { repository: "a/b", uuid }, started: { kind: "missing" } }]);
    expect(driver.parts).toEqual([]);
  });

  it("keeps an upload to which a part came lately, however old its files are", async () => {
    const uuid = randomUUID();
    await driver.putAt(uploadStartedAtPath("a", uuid), "2020-01-01T00:00:00Z", OLD);
    parts(uploadDataPath("a", uuid), OLD, now - DAY);
    expect(await purge()).toMatchObject({ found: 1, kept: 1 });
    expect([await filesOf(driver), driver.parts]).toMatchObject([{ length: 1 }, { length: 1 }]);
  });

  it("removes old parts of blobs that no upload has, and never a blob", async () => {
    const [stored, missing] = ["stored", "missing"].map((text) => blobDataPath(digestOf(Buffer.from(text))));
    await driver.putAt(stored ?? "", "stored", OLD);
    parts(stored ?? "", OLD);
    parts(missing ?? "", OLD);
    await purge(true);
    expect(driver.parts).toHaveLength(2);
    const planned = purged;
    purged = [];
    await purge();
    expect(purged).toEqual(planned);
    expect(purged.map(({ path, upload }) => ({ path, upload }))).toEqual(
      [stored, missing].sort().map((path) => ({ path, upload: undefined })),
    );
    expect(driver.parts).toEqual([]);
    expect(await filesOf(driver)).toEqual([stored]);
  });

  it("keeps all parts of a blob that somebody is writing now", async () => {
    const path = blobDataPath(digestOf(Buffer.from("x")));
    parts(path, OLD);
    parts(path, now - 1000);
    expect(await purge()).toMatchObject({ kept: 1 });
    expect(driver.parts).toHaveLength(2);
  });

  it("leaves parts alone that are no registry's", async () => {
    const path = "/docker/registry/v2/repositories/a/other";
    parts(path, OLD);
    expect(await purge()).toMatchObject({ strays: { count: 1, first: [path] } });
    expect([driver.parts.length, purged]).toEqual([1, []]);
  });

  it("tells of what is there still although the store says that it is removed", async () => {
    const uuid = randomUUID();
    const blob = blobDataPath(digestOf(Buffer.from("x")));
    parts(uploadDataPath("a", uuid), OLD);
    parts(blob, OLD);
    driver.keepsParts = true;
    await purge();
    expect(purged).toEqual([]);
    expect(failed.map(({ path }) => path)).toEqual([uploadDataPath("a", uuid), blob]);
    expect(failed[0]?.error).toContain("is there still");
  });
});
