import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { ConnectionPools } from "../../../../src/storage/s3/connection-pools.ts";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import type { S3Lane } from "../../../../src/storage/s3/s3-lane.ts";
import { createLane } from "../../../../src/storage/s3/send-request.ts";
import type { SigningCredentials } from "../../../../src/storage/s3/sigv4.ts";
import { laneOf, putText, s3ServerOfTest } from "../../../support/s3-lane.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import type { S3Server } from "../../../support/s3-server/s3-server.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../../../support/test-certificate.ts";

describe("credentials", () => {
  /** The chain of providers gives these keys, one after the other. */
  function credentialsOf(...keys: SigningCredentials[]) {
    let index = 0;
    const current = () => keys[index];
    return {
      current,
      load: () => Promise.reject(new Error("there is a key already")),
      renew: (used: SigningCredentials | undefined) => {
        if (used === keys[index] && index + 1 < keys.length) index += 1;
        return Promise.resolve(used !== keys[index]);
      },
    };
  }

  function laneWith(s3: S3Server, ...keys: SigningCredentials[]): S3Lane {
    const settings = s3.settings("registry");
    const { host } = new URL(s3.endpoint);
    const address = {
      origin: s3.endpoint,
      host,
      basePath: "/registry",
      signingRegion: "us-east-1",
      signingName: "s3",
    };
    return createLane({
      settings,
      requests: {},
      rate: { take: () => undefined },
      credentials: credentialsOf(...keys),
      address: () => Promise.resolve(address),
      connections: new ConnectionPools({ skipVerify: false }),
      random: () => 0,
    });
  }

  const good = { accessKeyId: "testaccess", secretAccessKey: "testsecret1234567890", sessionToken: "new" };

  test("that have expired are renewed once, and the request is sent again", async () => {
    const s3 = await s3ServerOfTest({ sessionToken: "new", hasExpired: true });
    const renewed = laneWith(s3, { ...good }, { ...good }).send({
      method: "PUT",
      key: "a",
      body: Buffer.from("1"),
    });
    await expect(renewed).rejects.toMatchObject({ code: "ExpiredToken", attempts: 2 });
    s3.options.hasExpired = false;
    let expired = true;
    s3.options.policy = () => {
      if (!expired) return undefined;
      expired = false;
      return new Refusal(400, "ExpiredToken", "The provided token has expired.");
    };
    const answer = await laneWith(s3, { ...good }, good).send({
      method: "PUT",
      key: "a",
      body: Buffer.from("1"),
    });
    expect(answer.attempts).toBe(2);
  });

  test("are renewed for a HEAD too, whose refusal has no text", async () => {
    const s3 = await s3ServerOfTest({ sessionToken: "new" });
    await laneWith(s3, good).send({ method: "PUT", key: "a", body: Buffer.from("1") });
    const old = { ...good, sessionToken: "old" };
    expect((await laneWith(s3, old, good).send({ method: "HEAD", key: "a" })).attempts).toBe(2);
  });

  test("that cannot be renewed are not tried again", async () => {
    const s3 = await s3ServerOfTest({ hasExpired: true });
    const { lane } = laneOf(s3);
    await expect(putText(lane, "a", "1")).rejects.toMatchObject({ code: "ExpiredToken", attempts: 1 });
  });
});

describe("TLS", () => {
  const tls = { key: TEST_KEY, cert: TEST_CERTIFICATE };

  test("refuses a certificate that nobody trusts, without trying again", async () => {
    const { lane, pauses } = laneOf(await s3ServerOfTest({ tls }));
    await expect(putText(lane, "a", "1")).rejects.toMatchObject({
      cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    });
    expect(pauses).toEqual([]);
  });

  test("takes any certificate where the configuration says so, in both lanes", async () => {
    const s3 = await s3ServerOfTest({ tls });
    const store = createS3Store(s3.settings("registry", { skipVerify: true }));
    await putText(store.lane, "a", "1");
    const sdk = await store.sdk();
    await expect(sdk.send(new HeadObjectCommand({ Bucket: "registry", Key: "a" }))).resolves.toBeDefined();
  });
});
