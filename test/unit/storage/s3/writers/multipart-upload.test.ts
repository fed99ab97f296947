import type { S3Client } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { createS3Store } from "../../../../../src/storage/s3/create-s3-store.ts";
import { MultipartRequests } from "../../../../../src/storage/s3/writers/multipart-upload.ts";
import { s3Settings } from "../../../../support/s3-server/settings.ts";

const identity = { accessKey: "key", secretKey: "secret", region: "us-east-1", sessionToken: undefined };

/** What the SDK would send, caught before it leaves. */
async function sentHash(endpoint: string, when: "supported" | "required"): Promise<string | undefined> {
  const settings = s3Settings(
    { endpoint, bucket: "registry", ...identity },
    { checksums: { when, algorithm: undefined }, maxRetries: 0 },
  );
  const store = createS3Store(settings);
  const client: S3Client = await store.sdk();
  let hash: string | undefined;
  client.middlewareStack.add(
    () =>
      async ({ request }) => {
        const { headers } = request as { headers: Record<string, string> };
        hash = headers["x-amz-content-sha256"];
        throw new Error("caught");
      },
    { step: "finalizeRequest", priority: "low", name: "catch" },
  );
  const upload = { key: "k", uploadId: "u" };
  await expect(new MultipartRequests(store).putPart(upload, 1, Buffer.from("abc"))).rejects.toThrow("caught");
  return hash;
}

it.each([
  ["http://store.example:9000", "required", false],
  ["http://10.0.0.127:9000", "required", false],
  ["http://store.example:9000", "supported", true],
  ["https://store.example", "required", true],
  ["http://127.0.0.1:9000", "required", true],
  ["http://localhost:9000", "required", true],
  ["", "required", true],
] as const)(
  "signs the bytes of a part for %s, checksums %s, only where nothing else protects them",
  async (endpoint, when, isUnsigned) => {
    const hash = await sentHash(endpoint, when);
    expect(hash === "UNSIGNED-PAYLOAD").toBe(isUnsigned);
    if (!isUnsigned) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  },
);
