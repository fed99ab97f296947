import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storeIdentity } from "../../../src/state/store-identity.ts";
import { bucketSettings } from "../../support/bucket-settings.ts";

describe("storeIdentity", () => {
  let parent: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "registry-ctl-identity-"));
    symlinkSync(parent, join(parent, "link"));
  });

  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  const of = (rootDirectory: string) =>
    storeIdentity({ driver: "filesystem", rootDirectory, maxThreads: 100 });

  it("is the same by every path to a store, before and after the store is made", () => {
    const paths = [
      join(parent, "a/b"),
      join(parent, "link/a/b"),
      `${parent}/a/b/`,
      relative(process.cwd(), `${parent}/a/b`),
    ];
    const before = paths.map(of);
    mkdirSync(join(parent, "a/b"), { recursive: true });
    expect(new Set([...before, ...paths.map(of)]).size).toBe(1);
    expect(of(join(parent, "a"))).not.toBe(before[0]);
  });

  it("is the same for a folder of a bucket by whatever name of AWS, and another one for another server", () => {
    const inBucket = (endpoint: string, rootDirectory = "registry"): string =>
      storeIdentity(bucketSettings({ endpoint, bucket: "images", rootDirectory }));
    const aws = inBucket("");
    expect(inBucket("https://s3.eu-central-1.amazonaws.com")).toBe(aws);
    expect(inBucket("https://bucket.vpce-0123.s3.eu-central-1.vpce.amazonaws.com")).toBe(aws);
    expect(inBucket("https://amazonaws.com.example.com")).not.toBe(aws);
    expect(inBucket("", "other")).not.toBe(aws);
    expect(inBucket("https://s3.example.com")).toBe(inBucket("http://s3.example.com"));
    expect(inBucket("https://s3.example.com:9000")).not.toBe(inBucket("https://s3.example.com"));
  });
});
