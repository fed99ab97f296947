import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { faultsByPlan } from "../../../support/s3-server/faults.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import { fill, openBucket } from "./driver-under-test.ts";

function paths(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `/d/${number}`);
}

function keys(of: readonly string[]): string[] {
  return of.map((path) => path.slice(1));
}

describe("removing many objects", () => {
  it("takes a request for each thousand", async () => {
    const { s3, bucket, driver } = await openBucket();
    fill(bucket, [...keys(paths(2500)), "d/kept", "d/"]);
    expect(await driver.deleteMany(paths(2500))).toEqual([]);
    expect([...bucket.objects.keys()]).toEqual(["d/kept", "d/"]);
    expect(s3.requests.map((request) => request.operation)).toEqual(Array(3).fill("DeleteObjects"));
  });

  it("tries keys again that failed in passing", async () => {
    const faults = faultsByPlan([{ fault: "failing-keys", operation: "DeleteObjects", times: 2 }]);
    const { bucket, driver } = await openBucket({ faults });
    fill(bucket, keys(paths(30)));
    expect(await driver.deleteMany(paths(30))).toEqual([]);
    expect(bucket.objects.size).toBe(0);
  });

  it("tells of each key that stays why it stays", async () => {
    const { bucket, driver } = await openBucket({
      faults: ({ operation }) => (operation === "DeleteObjects" ? "failing-keys" : undefined),
    });
    fill(bucket, keys(paths(6)));
    const failed = await driver.deleteMany(paths(6));
    expect(failed.map(({ path }) => path.slice(1)).sort()).toEqual([...bucket.objects.keys()].sort());
    expect(failed.length).toBeGreaterThan(0);
    for (const { error } of failed) expect(error).toBeInstanceOf(StorageUnavailableError);
  });

  it("tells of all keys when the whole request is denied", async () => {
    const { bucket, driver } = await openBucket({ policy: () => new Refusal(403, "AccessDenied") });
    fill(bucket, keys(paths(3)));
    const failed = await driver.deleteMany(paths(3));
    expect(failed.map(({ path }) => path)).toEqual(paths(3));
    expect(failed[0]?.error).toBeInstanceOf(StorageUnavailableError);
  });

  it.each([
    ["was taken and not answered", "reset-after" as const, 2000],
    ["was refused for now", "slow-down" as const, 0],
  ])(
    "tells of keys that may go later where a request %s, also if another one succeeds",
    async (_, fault, count) => {
      const faults = faultsByPlan([{ fault, operation: "DeleteObjects", times: 2 }]);
      const { bucket, driver } = await openBucket({ faults });
      fill(bucket, keys(paths(2000)));
      const undecided = new Set<string>();
      expect(await driver.deleteMany(paths(2000), (path) => void undecided.add(path))).toEqual([]);
      expect([bucket.objects.size, undecided.size]).toEqual([0, count]);
    },
  );

  it("removes one by one on a store without bulk deletes", async () => {
    const { s3, bucket, driver } = await openBucket({
      policy: ({ operation }) =>
        operation === "DeleteObjects" ? new Refusal(501, "NotImplemented") : undefined,
    });
    fill(bucket, keys(paths(40)));
    expect(await driver.deleteMany([...paths(40), "/d/missing"])).toEqual([]);
    expect(bucket.objects.size).toBe(0);
    expect(s3.count("DeleteObject")).toBe(41);
  });

  it("removes keys that XML has to escape, or cannot say", async () => {
    const { s3, bucket, driver } = await openBucket();
    const odd = ["/a&b<c>\"d'", "/with space", "/ü/😀", "/bell\u0007", "/line\nfeed"];
    fill(bucket, [...keys(odd), "kept"]);
    expect(await driver.deleteMany(odd)).toEqual([]);
    expect([...bucket.objects.keys()]).toEqual(["kept"]);
    expect(s3.count("DeleteObject")).toBe(2);
  });
});
