import { describe, expect, it } from "vitest";
import { openBucket } from "./driver-under-test.ts";

describe("an address to read at", () => {
  it("is made without a request, for as long as is asked", async () => {
    const { s3, bucket, driver } = await openBucket();
    bucket.put("f", Buffer.from("x"), Date.now());
    const url = new URL(await driver.presignRead("/f", 90_500));
    expect(url.origin).toBe(s3.endpoint);
    expect(url.searchParams.get("X-Amz-Expires")).toBe("91");
    expect(s3.requests).toEqual([]);
    expect(await (await fetch(url)).text()).toBe("x");
  });

  it.each([
    [0, "1"],
    [30 * 86_400_000, "604800"],
  ])("is good for no less and no longer than S3 allows: %i ms", async (expiresMs, seconds) => {
    const { driver } = await openBucket();
    const url = new URL(await driver.presignRead("/f", expiresMs));
    expect(url.searchParams.get("X-Amz-Expires")).toBe(seconds);
  });

  it("begins with the address that clients know the store by", async () => {
    const redirectEndpoint = "https://blobs.example.com:8443";
    const { bucket, driver } = await openBucket({}, { redirectEndpoint, rootDirectory: "root" });
    const url = new URL(await driver.presignRead("/a b/f", 60_000));
    expect(url.origin).toBe(redirectEndpoint);
    expect(url.pathname).toBe(`/${bucket.name}/root/a%20b/f`);
    expect(url.searchParams.get("X-Amz-Signature")).toMatch(/^[0-9a-f]{64}$/);
  });

  it("has no bucket in it where the host stands for the bucket", async () => {
    const redirectEndpoint = "https://blobs.example.com";
    const { driver } = await openBucket({}, { redirectEndpoint, pathStyle: false });
    const url = new URL(await driver.presignRead("/d/f", 60_000));
    expect(url.origin + url.pathname).toBe("https://blobs.example.com/d/f");
  });
});
