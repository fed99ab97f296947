import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { S3StorageSettings } from "../../../../src/config/settings.ts";
import type { ScanAsides, ScanFailure } from "../../../../src/storage/abilities.ts";
import type { S3Driver } from "../../../../src/storage/s3/s3-driver.ts";
import { sortKeys } from "../../../support/s3-server/bucket.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import { fill, openBucket } from "./driver-under-test.ts";

async function scan(driver: S3Driver, path: string, asides: ScanAsides = {}) {
  const paths: string[] = [];
  const failures: ScanFailure[] = [];
  for await (const batch of driver.scan(path, (failure) => failures.push(failure), asides)) {
    paths.push(...batch.map((file) => file.path));
  }
  return { paths, failures };
}

function hashOf(number: number): string {
  return createHash("sha256").update(String(number)).digest("hex");
}

function blobKeys(count: number): string[] {
  return Array.from({ length: count }, (_, number) => {
    const hash = hashOf(number);
    return `v2/blobs/sha256/${hash.slice(0, 2)}/${hash}/data`;
  });
}

/** Keys of repositories of very different sizes. */
function repositoryKeys(sizes: readonly number[]): string[] {
  return sizes.flatMap((size, repository) =>
    Array.from({ length: size }, (_, number) => {
      const group = repository % 3 === 0 ? "group/sub" : "a-group";
      return `v2/repositories/${group}/app-${repository}/_layers/sha256/${hashOf(number)}/link`;
    }),
  );
}

function expected(keys: readonly string[]): string[] {
  return sortKeys(keys).map((key) => `/${key}`);
}

describe("a scan of a bucket", () => {
  it("asks for one page after the other as long as there is no full one with more behind it", async () => {
    const { s3, bucket, driver } = await openBucket();
    const keys = blobKeys(1000);
    fill(bucket, keys);
    const { paths } = await scan(driver, "/v2/blobs");
    expect(paths).toEqual(expected(keys));
    // The second one asks whether that was really the end.
    expect(s3.requests.map((request) => request.operation)).toEqual(["ListObjectsV2", "ListObjectsV2"]);
  });

  it("splits many hashes evenly, and gives all of them in order", async () => {
    const { s3, bucket, driver } = await openBucket({ latencyMs: 5 });
    const keys = blobKeys(30_000);
    fill(bucket, keys);
    const { paths, failures } = await scan(driver, "/v2/blobs");
    expect(failures).toEqual([]);
    expect(paths).toEqual(expected(keys));
    expect(s3.requests.length).toBeLessThan(30 + 40);
    expect(s3.peaks.get("ListObjectsV2")).toBeGreaterThan(1);
  });

  it("splits repositories by their folders, however large each of them is", async () => {
    const { s3, bucket, driver } = await openBucket({ latencyMs: 5 });
    const keys = repositoryKeys([
      3,
      9000,
      1,
      40,
      8000,
      0,
      2500,
      700,
      5000,
      ...Array.from({ length: 300 }, () => 7),
    ]);
    fill(bucket, keys);
    const { paths, failures } = await scan(driver, "/v2/repositories");
    expect(failures).toEqual([]);
    expect(paths).toEqual(expected(keys));
    expect(s3.requests.length).toBeLessThan(keys.length / 1000 + 100);
    expect(s3.peaks.get("ListObjectsV2")).toBeGreaterThan(1);
  });

  it("splits what lies behind the path at which it begins, and asks for nothing before it", async () => {
    const { s3, bucket, driver } = await openBucket({ latencyMs: 5 });
    const keys = [...blobKeys(12_000), ...repositoryKeys([3000, 40, 5000])];
    fill(bucket, keys);
    const all = expected(keys);
    for (const at of [4000, 11_999, 15_100]) {
      s3.requests.length = 0;
      const { paths, failures } = await scan(driver, "/v2", { after: all[at] ?? "" });
      expect(failures).toEqual([]);
      expect(paths).toEqual(all.slice(at + 1));
      expect(s3.requests.length).toBeLessThan(paths.length / 1000 + 40);
    }
    expect(s3.peaks.get("ListObjectsV2")).toBeGreaterThan(1);
    s3.requests.length = 0;
    expect((await scan(driver, "/v2/blobs", { after: "/v2/repositories" })).paths).toEqual([]);
    expect(s3.requests).toEqual([]);
  });

  it("tells no MD5s where objects are encrypted with a key of KMS, whose ETags are none", async () => {
    const md5s = async (encryption: S3StorageSettings["encryption"]): Promise<unknown[]> => {
      const { bucket, driver } = await openBucket({}, { encryption });
      fill(bucket, ["f"]);
      const told: unknown[] = [];
      for await (const batch of driver.scan("/", () => undefined, { wantsMd5: true }))
        told.push(...batch.map((file) => file.contentMd5));
      return told;
    };
    const md5 = createHash("md5").update("f").digest("hex");
    expect(await md5s(undefined)).toEqual([md5]);
    expect(await md5s({ kind: "AES256" })).toEqual([md5]);
    expect(await md5s({ kind: "aws:kms", keyId: "key-1" })).toEqual([undefined]);
  });

  it("takes short and empty pages for what they are", async () => {
    let asked = 0;
    const { bucket, driver } = await openBucket({
      pageLimit: (wanted) => (++asked % 5 === 0 ? 0 : Math.min(wanted, 100 + (asked % 7) * 83)),
    });
    const keys = [...blobKeys(6000), ...repositoryKeys([10, 3000, 500, 1200])];
    fill(bucket, keys);
    const { paths, failures } = await scan(driver, "/");
    expect(failures).toEqual([]);
    expect(paths).toEqual(expected(keys));
  });

  it("keeps names in byte order at the bounds of its ranges", async () => {
    const { bucket, driver } = await openBucket();
    const names = ["a", "a-b", "a.b", "a0", "ab", "\ufffd", "\u{1f600}", "z"];
    const keys = names.flatMap((name) =>
      Array.from({ length: 900 }, (_, number) => `v2/${name}/${String(number).padStart(4, "0")}/f`),
    );
    fill(bucket, [...keys, "v2/a", "v2/ab-f"]);
    const { paths } = await scan(driver, "/v2");
    expect(paths).toEqual(expected([...keys, "v2/a", "v2/ab-f"]));
  });

  it("tells of objects that stand for folders, and gives none of them", async () => {
    const { bucket, driver } = await openBucket();
    fill(bucket, ["v2/", "v2/a/", "v2/a/f", "v2/b/", "other/"]);
    const markers: string[] = [];
    const { paths } = await scan(driver, "/v2", { onFolderMarker: (key) => markers.push(key) });
    expect(paths).toEqual(["/v2/a/f"]);
    expect(markers).toEqual(["v2/", "v2/a/", "v2/b/"]);
    expect(await driver.list("/v2")).toMatchObject([
      { path: "/v2/a", isFolder: true },
      { path: "/v2/b", isFolder: true },
    ]);
    expect(await driver.list("/v2/b")).toEqual([]);
  });

  it("keeps no more than some pages when they are taken slowly", async () => {
    const { s3, bucket, driver } = await openBucket({ pageLimit: () => 100 });
    fill(bucket, blobKeys(30_000));
    for await (const batch of driver.scan("/v2/blobs", () => undefined)) {
      expect(batch.length).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 500));
      break;
    }
    expect(s3.requests.length).toBeLessThan(200);
  });

  it("ends with a failure for the folder when a page is denied", async () => {
    let asked = 0;
    const { bucket, driver } = await openBucket({
      policy: (request) =>
        request.operation === "ListObjectsV2" && ++asked > 8 ? new Refusal(403, "AccessDenied") : undefined,
    });
    fill(bucket, blobKeys(20_000));
    const { paths, failures } = await scan(driver, "/v2/blobs");
    expect(paths.length).toBeLessThan(20_000);
    expect(failures).toMatchObject([{ path: "/v2/blobs", error: { code: "ERR_STORAGE_UNAVAILABLE" } }]);
  });

  it("works below a root directory, and shows nothing beside it", async () => {
    const { bucket, driver } = await openBucket({}, { rootDirectory: "root" });
    const keys = blobKeys(2500);
    fill(bucket, [...keys.map((key) => `root/${key}`), "root-2/v2/f", "rootless", "v2/f"]);
    const { paths } = await scan(driver, "/");
    expect(paths).toEqual(expected(keys));
    expect((await scan(driver, "/missing")).paths).toEqual([]);
  });
});
