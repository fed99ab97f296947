import { expect, it, onTestFinished, vi } from "vitest";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { patternBytes } from "../../contract/cases/store-under-test.ts";
import { expectStatus, RegistryHttp, sha256 } from "../../support/registry-http.ts";
import { plainServerOfTest } from "../../support/s3-lane.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { faultyServer } from "./faulty-store.ts";

const MIB = 1024 * 1024;
const layer = Buffer.from(patternBytes(17 * MIB));

/** A host that hands out session keys, as those of containers do: another one each time, and only the last one is good. */
async function roleOfTest(s3: S3Server): Promise<{ issued: string[] }> {
  const { accessKey, secretKey } = s3.settings("registry").credentials ?? {};
  const issued: string[] = [];
  const host = await plainServerOfTest((_request, response) => {
    issued.push(`session-${issued.length + 1}`);
    s3.options.sessionToken = issued.at(-1);
    s3.options.hasExpired = false;
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        AccessKeyId: accessKey,
        SecretAccessKey: secretKey,
        Token: issued.at(-1),
        Expiration: new Date(Date.now() + 3_600_000).toISOString(),
      }),
    );
  });
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"])
    vi.stubEnv(name, undefined);
  for (const name of ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]) vi.stubEnv(name, "/dev/null");
  vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `${host.settings("").endpoint}/keys`);
  onTestFinished(() => void vi.unstubAllEnvs());
  return { issued };
}

async function registry(changes: { hasRole: boolean }) {
  const s3 = await faultyServer();
  const settings = s3.settings("registry", { chunkBytes: 5 * MIB });
  const role = changes.hasRole ? await roleOfTest(s3) : undefined;
  if (changes.hasRole) settings.credentials = undefined;
  const driver = new S3Driver(createS3Store(settings, { random: () => 0 }));
  const { url } = await serverOfTest({ driver, settings: { redirect: { enabled: false, expiryMs: 1 } } });
  const client = new RegistryHttp(url);
  onTestFinished(() => client.close());
  return { s3, client, role };
}

it("a session that ends in the middle of a push is renewed, and the push goes on", async () => {
  const { s3, client, role } = await registry({ hasRole: true });
  let location = await client.startUpload("a/b");
  location = await client.sendChunk(location, layer.subarray(0, 6 * MIB), 0);
  expect(role?.issued).toEqual(["session-1"]);
  s3.options.hasExpired = true;
  location = await client.sendChunk(location, layer.subarray(6 * MIB), 6 * MIB);
  expectStatus(await client.send("PUT", `${location}&digest=${sha256(layer)}`), 201);
  expect(role?.issued).toEqual(["session-1", "session-2"]);
  const pulled = await client.send("GET", `/v2/a/b/blobs/${sha256(layer)}`);
  expect(sha256(pulled.body)).toBe(sha256(layer));
});

it("a session that cannot be renewed ends a push with 503, and with new keys it goes on where it was", async () => {
  const { s3, client } = await registry({ hasRole: false });
  let location = await client.startUpload("a/b");
  location = await client.sendChunk(location, layer.subarray(0, 6 * MIB), 0);
  s3.options.hasExpired = true;
  const headers = { "content-range": `${6 * MIB}-${layer.length - 1}` };
  const refused = await client.send("PATCH", location, { headers, body: layer.subarray(6 * MIB) });
  expect(refused.status).toBe(503);
  expect(refused.body.toString()).toContain("UNAVAILABLE");
  s3.options.hasExpired = false;
  const state = expectStatus(await client.send("GET", location), 204);
  const received = Number(/-(\d+)$/.exec(String(state.headers.range))?.[1]) + 1;
  expect(received).toBeGreaterThanOrEqual(6 * MIB);
  location = await client.sendChunk(location, layer.subarray(received), received);
  expectStatus(await client.send("PUT", `${location}&digest=${sha256(layer)}`), 201);
  const pulled = await client.send("GET", `/v2/a/b/blobs/${sha256(layer)}`);
  expect(sha256(pulled.body)).toBe(sha256(layer));
});
