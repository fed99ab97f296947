import {
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from "@aws-sdk/client-s3";
import { expect, it, onTestFinished } from "vitest";
import { openDriver } from "../../../src/storage/open-driver.ts";
import { describeOnEachRgw, sharedRgw } from "../../support/ceph/shared-rgw.ts";
import { bucketOfTest, makeBucket } from "../../support/ceph/test-bucket.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { verify } from "../../unit/operations/verify/verify-store.ts";

describeOnEachRgw("a collection in a bucket that keeps what is deleted", (version) => {
  it("says how much stays, and is satisfied by a lifecycle rule", { timeout: 60_000 }, async () => {
    const bucket = await bucketOfTest(version);
    const { client, name: Bucket } = bucket;
    const VersioningConfiguration = { Status: "Enabled" as const };
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    const driver = await openDriver(bucket.settings());
    const tree = new RegistryTree(driver);
    await tree.repository("app").image("kept", ["layer"], { tag: "v1" });
    await tree.repository("app").image("dead", ["dead layer"]);

    const report = await collect(driver, { deleteUntagged: true });

    expect(report.failed).toEqual([]);
    expect(report.deleted).toMatchObject({ manifests: 1, layerLinks: 2, blobs: 3 });
    const { blobs, layerLinks, manifests } = report.deleted;
    // The lock too, which was written and removed.
    const noncurrent = { files: expect.any(Number), bytes: expect.any(Number), isComplete: true };
    expect(report.versions).toEqual({ versioning: "on", expire: false, noncurrent });
    if (report.versions?.versioning === "on") {
      expect(report.versions.noncurrent?.files).toBeGreaterThanOrEqual(blobs + layerLinks + manifests);
      expect(report.versions.noncurrent?.bytes).toBeGreaterThan(report.deleted.bytes);
    }
    expect(report.warnings).toEqual([expect.stringContaining("NoncurrentVersionExpiration")]);

    const NoncurrentVersionExpiration = { NoncurrentDays: 1 };
    const rule = {
      ID: "old",
      Status: "Enabled" as const,
      Filter: { Prefix: "" },
      NoncurrentVersionExpiration,
    };
    const LifecycleConfiguration = { Rules: [rule] };
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }));
    const next = await collect(driver, { deleteUntagged: true });
    expect(next.warnings).toEqual([]);
    expect(next.versions).toMatchObject({ versioning: "on", expire: true });
    expect((await verify(driver)).complete).toBe(true);
  });

  it("collects, and tells that nothing was freed, under an object lock", { timeout: 60_000 }, async () => {
    const bucket = await makeBucket(await sharedRgw(version), { objectLock: true });
    onTestFinished(() => bucket.remove());
    const { client, name: Bucket } = bucket;
    const Rule = { DefaultRetention: { Mode: "GOVERNANCE" as const, Days: 1 } };
    const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled" as const, Rule };
    await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    const driver = await openDriver(bucket.settings());
    const tree = new RegistryTree(driver);
    const kept = await tree.repository("app").image("kept", ["layer"], { tag: "v1" });
    await tree.repository("app").image("dead", ["dead layer"]);

    const report = await collect(driver, { deleteUntagged: true });

    expect(report.warnings).toEqual([expect.stringContaining("deleting frees nothing")]);
    expect(await tree.repository("app").missingFor(kept.digest)).toEqual([]);
    expect((await verify(driver)).complete).toBe(true);
  });
});
