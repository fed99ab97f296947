import type { S3Client } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { CredentialsSource } from "../../../../src/storage/s3/credentials-source.ts";
import { createSdkClient } from "../../../../src/storage/s3/sdk-client.ts";
import { bucketSettings } from "../../../support/bucket-settings.ts";

const MINUTE = 60_000;
const START_MS = Date.UTC(2026, 10, 21, 12);

/** A client of the SDK whose chain of providers is this one. */
async function sdkWith(provide: (isForced: boolean) => object): Promise<() => Promise<S3Client>> {
  const client = await createSdkClient(bucketSettings(), { requests: {}, rate: { take: () => undefined } });
  Object.defineProperty(client.config, "credentials", {
    value: (options?: { forceRefresh?: boolean }) => Promise.resolve(provide(options?.forceRefresh ?? false)),
  });
  return () => Promise.resolve(client);
}

const key = (id: number, expiresMs?: number) => ({
  accessKeyId: `ASIA${id}`,
  secretAccessKey: `secret${id}`,
  sessionToken: `token${id}`,
  ...(expiresMs === undefined ? {} : { expiration: new Date(expiresMs) }),
});

describe("CredentialsSource", () => {
  test("takes the keys of the configuration without asking the SDK, and names them without their secret", () => {
    const settings = bucketSettings({
      driver: "s3_v2",
      credentials: { accessKey: "AKIA1", secretKey: "hidden", sessionToken: "hidden too" },
    });
    const source = new CredentialsSource(settings, () => Promise.reject(new Error("the SDK was asked")));
    expect(source.current(START_MS)).toEqual({
      accessKeyId: "AKIA1",
      secretAccessKey: "hidden",
      sessionToken: "hidden too",
    });
    expect(source.description).toBe("key AKIA1 from storage.s3_v2.accesskey of the configuration");
  });

  test("does not renew the keys of the configuration", async () => {
    const credentials = { accessKey: "AKIA1", secretKey: "s", sessionToken: "" };
    const source = new CredentialsSource(bucketSettings({ credentials }), () =>
      Promise.reject(new Error("asked")),
    );
    expect(await source.renew(source.current(START_MS), START_MS)).toBe(false);
  });

  test("asks once for many requests, and again five minutes before the key expires", async () => {
    let asked = 0;
    const sdk = await sdkWith(() => key(++asked, START_MS + asked * 60 * MINUTE));
    const source = new CredentialsSource(bucketSettings(), sdk);
    expect(source.current(START_MS)).toBeUndefined();
    await Promise.all([source.load(START_MS), source.load(START_MS)]);
    expect(source.current(START_MS + 54 * MINUTE)?.accessKeyId).toBe("ASIA1");
    expect(source.current(START_MS + 55 * MINUTE)).toBeUndefined();
    expect((await source.load(START_MS + 55 * MINUTE)).accessKeyId).toBe("ASIA2");
    expect(asked).toBe(2);
  });

  test("goes on with a key that the SDK could not renew, as long as it does not expire", async () => {
    const sdk = await sdkWith(() => key(1, START_MS + MINUTE));
    const source = new CredentialsSource(bucketSettings(), sdk);
    await source.load(START_MS);
    expect(source.current(START_MS + 500)?.accessKeyId).toBe("ASIA1");
  });

  test("forces another key after a refusal, once for all requests that were refused", async () => {
    let forced = 0;
    const sdk = await sdkWith((isForced) => key(isForced ? 10 + ++forced : 1));
    const source = new CredentialsSource(bucketSettings(), sdk);
    const used = await source.load(START_MS);
    const renewed = await Promise.all([source.renew(used, START_MS), source.renew(used, START_MS)]);
    expect(renewed).toEqual([true, true]);
    // One more that was sent with the old key comes back late.
    expect(await source.renew(used, START_MS + 100)).toBe(true);
    expect(source.current(START_MS)?.accessKeyId).toBe("ASIA11");
    expect(forced).toBe(1);
  });

  test("says that there is no other key if the SDK gives the same again, and does not ask all the time", async () => {
    let asked = 0;
    const sdk = await sdkWith(() => {
      asked += 1;
      return key(1);
    });
    const source = new CredentialsSource(bucketSettings(), sdk);
    const used = await source.load(START_MS);
    for (const afterMs of [0, 1000, 59_000]) expect(await source.renew(used, START_MS + afterMs)).toBe(false);
    expect(asked).toBe(2);
    expect(await source.renew(used, START_MS + MINUTE)).toBe(false);
    expect(asked).toBe(3);
  });

  test("renews whatever key there is, and lets those who come right after try with that", async () => {
    let asked = 0;
    const sdk = await sdkWith(() => key(++asked));
    const source = new CredentialsSource(bucketSettings(), sdk);
    await source.load(START_MS);
    expect(await source.renewAny(START_MS)).toBe(true);
    expect(await source.renewAny(START_MS + 1000)).toBe(true);
    expect(asked).toBe(2);
  });

  test.each([
    [{ CREDENTIALS_ENV_VARS: "g" }, "AWS_ACCESS_KEY_ID"],
    [
      { CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN: "h", CREDENTIALS_STS_ASSUME_ROLE_WEB_ID: "k" },
      "AWS_WEB_IDENTITY_TOKEN_FILE",
    ],
    [{ CREDENTIALS_PROFILE: "n" }, "AWS profile"],
    [{ CREDENTIALS_HTTP: "z" }, "container"],
    [undefined, "instance metadata"],
  ])("says of a key with the marks %j where it is from", async (marks, origin) => {
    const sdk = await sdkWith(() => ({ ...key(7), ...(marks === undefined ? {} : { $source: marks }) }));
    const source = new CredentialsSource(bucketSettings(), sdk);
    expect(source.description).toBe("");
    await source.load(START_MS);
    expect(source.description).toContain("key ASIA7 from ");
    expect(source.description).toContain(origin);
  });
});
