import { describe, expect, test } from "vitest";
import { redirectTarget } from "../../../../src/storage/s3/redirect-target.ts";

function target(location: string, origin: string, bucket = "images") {
  const { host } = new URL(origin);
  const from = { origin, host, basePath: "", signingRegion: "eu-west-2", signingName: "s3" };
  return redirectTarget(location, from, bucket);
}

describe("a redirection", () => {
  test.each([
    ["https://images.s3.eu-west-2.amazonaws.com/a/b", "https://images.s3.amazonaws.com", ""],
    ["https://images.s3-eu-west-2.amazonaws.com/", "https://images.s3.eu-west-2.amazonaws.com", ""],
    [
      "https://s3.dualstack.eu-west-2.amazonaws.com/images/a",
      "https://s3.eu-west-2.amazonaws.com",
      "/images",
    ],
    ["https://s3.cn-north-1.amazonaws.com.cn/", "https://s3.cn-northwest-1.amazonaws.com.cn", "/images"],
    ["https://store.example.org/", "http://store.example.org", "/images"],
    ["http://images.store.example.org:9000/", "http://store.example.org", ""],
    ["http://10.0.0.1:9001/x", "http://10.0.0.1:9000", "/images"],
  ])("to %s from %s stays with the service", (location, origin, basePath) => {
    const { origin: to, host } = new URL(location);
    expect(target(location, origin)).toEqual({
      ...{ origin: to, host, basePath, signingRegion: "eu-west-2", signingName: "s3" },
    });
  });

  test.each([
    ["https://store.example.net/", "https://store.example.org"],
    ["https://example.org/", "https://store.example.org"],
    ["https://astore.example.org/", "https://store.example.org"],
    ["http://store.example.org/", "https://store.example.org"],
    ["http://a:b@store.example.org:1/", "http://store.example.org"],
    ["http://1.10.0.0.1.example.org/", "http://10.0.0.1"],
    ["http://10.0.0.2/", "http://10.0.0.1"],
    ["https://other.s3.eu-west-2.amazonaws.com/", "https://images.s3.amazonaws.com"],
    ["https://s3-other.s3.amazonaws.com/", "https://images.s3.amazonaws.com"],
    ["https://ec2-1-2-3-4.compute.amazonaws.com/", "https://s3.amazonaws.com"],
    ["https://x.execute-api.eu-west-2.amazonaws.com/", "https://s3.eu-west-2.amazonaws.com"],
    ["https://s3.amazonaws.com.example.org/", "https://s3.amazonaws.com"],
    ["https://s3.amazonaws.com.cn/", "https://s3.amazonaws.com"],
    ["https://s3.amazonaws.com/", "https://s3.amazonaws.com"],
    ["", "https://s3.amazonaws.com"],
    ["http://[", "http://10.0.0.1"],
  ])("to %s from %s is not followed", (location, origin) => {
    expect(target(location, origin)).toBeUndefined();
  });
});
