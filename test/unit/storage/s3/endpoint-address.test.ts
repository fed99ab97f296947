import { describe, expect, test } from "vitest";
import type { S3StorageSettings } from "../../../../src/config/settings.ts";
import { resolveEndpoint } from "../../../../src/storage/s3/endpoint-address.ts";
import { createSdkClient } from "../../../../src/storage/s3/sdk-client.ts";
import { bucketSettings } from "../../../support/bucket-settings.ts";

async function addressOf(changes: Partial<S3StorageSettings>): Promise<string> {
  const settings = bucketSettings({
    credentials: { accessKey: "a", secretKey: "s", sessionToken: "" },
    ...changes,
  });
  const requests = {};
  const client = await createSdkClient(settings, { requests, rate: { take: () => undefined } });
  const address = await resolveEndpoint(client, settings);
  expect(requests).toEqual({});
  expect(address.origin).toMatch(new RegExp(`^https?://${address.host}$`));
  return `${address.origin}${address.basePath} ${address.signingRegion} ${address.signingName}`;
}

describe("resolveEndpoint", () => {
  const region = "eu-central-1";

  test.each<[Partial<S3StorageSettings>, string]>([
    [{ region }, "https://registry.s3.eu-central-1.amazonaws.com eu-central-1 s3"],
    [{ region, pathStyle: true }, "https://s3.eu-central-1.amazonaws.com/registry eu-central-1 s3"],
    [{ region, dualStack: true }, "https://registry.s3.dualstack.eu-central-1.amazonaws.com eu-central-1 s3"],
    [{ region: "us-east-2", fips: true }, "https://registry.s3-fips.us-east-2.amazonaws.com us-east-2 s3"],
    [{ region, accelerate: true }, "https://registry.s3-accelerate.amazonaws.com eu-central-1 s3"],
    [{ region: "cn-north-1" }, "https://registry.s3.cn-north-1.amazonaws.com.cn cn-north-1 s3"],
    [{ region, endpoint: "https://s3.example.org" }, "https://registry.s3.example.org eu-central-1 s3"],
    [
      { region, endpoint: "http://s3.example.org:7480", pathStyle: true },
      "http://s3.example.org:7480/registry eu-central-1 s3",
    ],
    // A name cannot stand before an address.
    [{ region, endpoint: "http://10.0.0.1:9000" }, "http://10.0.0.1:9000/registry eu-central-1 s3"],
    // The certificate of *.s3.… covers no name with a dot.
    [{ region, bucket: "my.registry" }, "https://s3.eu-central-1.amazonaws.com/my.registry eu-central-1 s3"],
  ])("%j", async (changes, expected) => {
    expect(await addressOf(changes)).toBe(expected);
  });
});
