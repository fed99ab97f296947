import { expect, it } from "vitest";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { patternBytes } from "../../contract/cases/store-under-test.ts";
import { RegistryHttp, sha256 } from "../../support/registry-http.ts";
import { Refusal } from "../../support/s3-server/reply.ts";
import type { Operation } from "../../support/s3-server/request.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { faultyServer } from "./faulty-store.ts";

const MIB = 1024 * 1024;
const layer = Buffer.from(patternBytes(6 * MIB));
const config = Buffer.from("{}");
const type = "application/vnd.oci.image.manifest.v1+json";
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: type,
  config: {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: sha256(config),
    size: config.length,
  },
  layers: [
    {
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      digest: sha256(layer),
      size: layer.length,
    },
  ],
});

const WRITES: ReadonlySet<Operation> = new Set<Operation>([
  ...(["PutObject", "CopyObject", "CreateMultipartUpload"] as const),
  ...(["UploadPart", "UploadPartCopy", "CompleteMultipartUpload"] as const),
]);

/** A registry over a bucket whose quota is used up behind so many writes. */
async function registry() {
  const s3 = await faultyServer();
  const settings = s3.settings("registry", { chunkBytes: 5 * MIB });
  const driver = new S3Driver(createS3Store(settings, { random: () => 0 }));
  const { url } = await serverOfTest({ driver, settings: { redirect: { enabled: false, expiryMs: 1 } } });
  return { s3, client: new RegistryHttp(url) };
}

/** As Ceph refuses what is over a quota. */
function limit(s3: S3Server, writes: number): void {
  let left = writes;
  s3.options.policy = ({ operation }) =>
    WRITES.has(operation) && left-- <= 0 ? new Refusal(403, "QuotaExceeded") : undefined;
}

/** Pushes a layer in two chunks, a configuration in one request and a manifest. @returns the last answer */
async function push(client: RegistryHttp) {
  const begun = await client.send("POST", "/v2/a/b/blobs/uploads/");
  if (begun.status !== 202) return begun;
  let location = begun.headers.location ?? "";
  for (const [from, to] of [
    [0, 5.5 * MIB],
    [5.5 * MIB, layer.length],
  ] as const) {
    const headers = { "content-range": `${from}-${to - 1}` };
    const patched = await client.send("PATCH", location, { headers, body: layer.subarray(from, to) });
    if (patched.status !== 202) return patched;
    location = patched.headers.location ?? "";
  }
  const put = await client.send("PUT", `${location}&digest=${sha256(layer)}`);
  if (put.status !== 201) return put;
  const whole = `/v2/a/b/blobs/uploads/?digest=${sha256(config)}`;
  const small = await client.send("POST", whole, { body: config });
  if (small.status !== 201) return small;
  return client.send("PUT", "/v2/a/b/manifests/v1", { headers: { "content-type": type }, body: manifest });
}

/** All that is shown as a blob has its digest; what was not acknowledged has no tag. */
function expectNothingBroken(s3: S3Server): void {
  for (const [key, { body }] of s3.objects("registry")) {
    const hex = /\/blobs\/sha256\/..\/([0-9a-f]{64})\/data$/.exec(key)?.[1];
    if (hex !== undefined) expect(sha256(body)).toBe(`sha256:${hex}`);
  }
}

it("a bucket whose quota is used up in the middle of a push says so, and shows nothing that is not whole", {
  timeout: 120_000,
}, async () => {
  for (let writes = 0; ; writes++) {
    const { s3, client } = await registry();
    limit(s3, writes);
    const refused = await push(client);
    if (refused.status === 201) {
      expect(writes).toBeGreaterThan(8);
      client.close();
      return;
    }
    expect(refused.status, refused.body.toString()).toBe(507);
    expect(refused.body.toString()).toContain("no space left");
    expectNothingBroken(s3);
    s3.options.policy = undefined;
    expect((await client.send("GET", "/v2/a/b/manifests/v1")).status).toBe(404);
    // With more room the next push is as any other.
    expect((await push(client)).status).toBe(201);
    const pulled = await client.send("GET", `/v2/a/b/blobs/${sha256(layer)}`);
    expect(sha256(pulled.body)).toBe(sha256(layer));
    client.close();
  }
});
