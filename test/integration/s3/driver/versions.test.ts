import { describe, expect, it } from "vitest";
import { Refusal } from "../../../support/s3-server/reply.ts";
import { fill, openBucket } from "./driver-under-test.ts";

function lifecycle(rule: string): string {
  return `<LifecycleConfiguration><Rule><ID>x</ID>${rule}</Rule></LifecycleConfiguration>`;
}

describe("what a bucket keeps of removed objects", () => {
  it("is counted without the versions that are current", async () => {
    const { bucket, driver } = await openBucket();
    bucket.versioning = "on";
    bucket.put("f", Buffer.alloc(100), Date.now());
    bucket.put("f", Buffer.alloc(20), Date.now());
    bucket.put("g", Buffer.alloc(3), Date.now());
    await driver.delete("/g");
    expect(await driver.keptVersions(1000)).toEqual({
      versioning: "on",
      expire: false,
      noncurrent: { files: 2, bytes: 103, isComplete: true },
    });
  });

  it("is counted up to a limit, page by page", async () => {
    const { bucket, driver } = await openBucket();
    bucket.versioning = "suspended";
    const keys = Array.from({ length: 2500 }, (_, number) => `d/${number}`);
    fill(bucket, keys);
    fill(bucket, keys);
    const kept = await driver.keptVersions(100_000);
    expect(kept).toMatchObject({ versioning: "suspended", noncurrent: { files: 2500, isComplete: true } });
    expect((await driver.keptVersions(1000)).noncurrent).toMatchObject({ isComplete: false });
  });

  it.each([
    [
      "<Status>Enabled</Status><Filter/><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration>",
      true,
    ],
    [
      "<Prefix></Prefix><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration>",
      true,
    ],
    ["<Filter><Prefix>root/</Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration/>", true],
    [
      "<Filter><Prefix>elsewhere/</Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration/>",
      false,
    ],
    [
      "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Status>Enabled</Status><NoncurrentVersionExpiration/>",
      false,
    ],
    ["<Filter/><Status>Disabled</Status><NoncurrentVersionExpiration/>", false],
    ["<Filter/><Status>Enabled</Status><Expiration><Days>3</Days></Expiration>", false],
  ])("goes away by itself with the rule %s: %s", async (rule, expire) => {
    const { bucket, driver } = await openBucket({}, { rootDirectory: "root" });
    bucket.versioning = "on";
    bucket.lifecycle = lifecycle(rule);
    expect((await driver.keptVersions(1000)).expire).toBe(expire);
  });

  it("stays unknown where versions must not be listed", async () => {
    const { bucket, driver } = await openBucket({
      policy: ({ operation }) =>
        operation === "ListObjectVersions" || operation === "GetBucketLifecycleConfiguration"
          ? new Refusal(403, "AccessDenied")
          : undefined,
    });
    bucket.versioning = "on";
    expect(await driver.keptVersions(1000)).toEqual({
      versioning: "on",
      expire: false,
      noncurrent: undefined,
    });
  });
});
