import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { createS3Store, type S3StoreOptions } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../../src/storage/s3/s3-driver.ts";
import type { S3Store } from "../../../../src/storage/s3/s3-store.ts";
import { type HttpProxy, type HttpProxyOptions, httpProxyOfTest } from "../../../support/http-proxy.ts";
import { getText, putText, s3ServerOfTest } from "../../../support/s3-lane.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../../../support/test-certificate.ts";

/** A store under a name that only the proxy can reach. */
async function storeBehindProxy(
  scheme: "http" | "https",
  options: { refuses?: HttpProxyOptions["refuses"]; noProxy?: string } = {},
): Promise<{ store: S3Store; proxy: HttpProxy; place: string }> {
  const s3 = await s3ServerOfTest(
    scheme === "https" ? { tls: { key: TEST_KEY, cert: TEST_CERTIFICATE } } : {},
  );
  const port = Number(new URL(s3.endpoint).port);
  const proxy = await httpProxyOfTest({ port, refuses: options.refuses ?? false });
  const place = `s3.invalid:${port}`;
  const env: S3StoreOptions["env"] = {
    HTTPS_PROXY: proxy.url,
    HTTP_PROXY: proxy.url,
    NO_PROXY: options.noProxy,
  };
  const settings = s3.settings("registry", {
    endpoint: `${scheme}://${place}`,
    skipVerify: true,
    maxRetries: 1,
  });
  return { store: createS3Store(settings, { env, random: () => 0 }), proxy, place };
}

/** Sends a few requests of the SDK, one of them with a large body. */
async function uploadInParts(store: S3Store, key: string, content: string): Promise<void> {
  const sdk = await store.sdk();
  const object = { Bucket: "registry", Key: key };
  const { UploadId } = await sdk.send(new CreateMultipartUploadCommand(object));
  const upload = { ...object, UploadId };
  const { ETag } = await sdk.send(
    new UploadPartCommand({ ...upload, PartNumber: 1, Body: Buffer.from(content) }),
  );
  await sdk.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } }),
  );
}

describe("a store behind a proxy", () => {
  test.each(["http", "https"] as const)("is reached over %s by both lanes", async (scheme) => {
    const { store, proxy, place } = await storeBehindProxy(scheme);
    await putText(store.lane, "a b+c", "small");
    expect(await getText(store.lane, "a b+c")).toBe("small");
    await uploadInParts(store, "parts/a b+c", "x".repeat(1024 * 1024));
    expect(await getText(store.lane, "parts/a b+c")).toHaveLength(1024 * 1024);
    const expected = scheme === "https" ? `CONNECT ${place}` : `POST http://${place}/registry/parts/`;
    expect(proxy.asked.filter((line) => line.startsWith(expected))).not.toEqual([]);
  });

  test("is told apart from a proxy that refuses, in both lanes", async () => {
    const { store } = await storeBehindProxy("https", { refuses: true });
    const reading = new S3Driver(store).get("/a");
    await expect(reading).rejects.toThrow(StorageUnavailableError);
    await expect(reading).rejects.toThrow(/407.*through the proxy 127\.0\.0\.1/);
    const uploading = uploadInParts(store, "a", "x").catch((error: unknown) => {
      throw store.translate(error, "write", "/a");
    });
    await expect(uploading).rejects.toThrow(StorageUnavailableError);
  });

  test("is asked directly where NO_PROXY names it", async () => {
    const { store, proxy } = await storeBehindProxy("http", { noProxy: "s3.invalid" });
    await expect(store.lane.send({ method: "HEAD", key: "a" })).rejects.toThrow("s3.invalid");
    expect(proxy.asked).toEqual([]);
  });
});
