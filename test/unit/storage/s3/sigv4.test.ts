import { describe, expect, test } from "vitest";
import { EMPTY_BODY_HASH, RequestSigner } from "../../../../src/storage/s3/sigv4.ts";

/** The examples of the documentation. */
const KEY = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const TIME = Date.UTC(2013, 4, 24);
const REQUEST = {
  method: "GET",
  host: "examplebucket.s3.amazonaws.com",
  path: "/",
  query: "",
  headers: {},
  bodyHash: EMPTY_BODY_HASH,
};

function signatureOf(headers: Record<string, string>): string | undefined {
  return /Signature=([0-9a-f]{64})$/.exec(headers["authorization"] ?? "")?.[1];
}

describe("RequestSigner", () => {
  const signer = new RequestSigner("us-east-1", "s3");

  /** @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
  test.each([
    ["lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    ["max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("signs the documentation's example with query %s", (query, signature) => {
    const headers = signer.sign({ ...REQUEST, query }, KEY, TIME);
    expect(signatureOf(headers)).toBe(signature);
    expect(headers["authorization"]).toContain(
      "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date",
    );
    expect(headers["x-amz-date"]).toBe("20130524T000000Z");
  });

  test("signs what says how a body is to be read, and leaves what proxies change", () => {
    const headers = {
      "user-agent": "u",
      range: "bytes=0-1",
      "content-type": "application/xml",
      "x-amz-acl": "private",
    };
    const signed = signer.sign({ ...REQUEST, headers }, { ...KEY, sessionToken: "token" }, TIME);
    expect(signed["authorization"]).toContain(
      "SignedHeaders=content-type;host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-security-token,",
    );
    expect(signed).toMatchObject({ ...headers, "x-amz-security-token": "token" });
  });

  test("takes a new key with the day, and with the secret", () => {
    const signatures = [
      signer.sign(REQUEST, KEY, TIME),
      signer.sign(REQUEST, KEY, TIME + 24 * 3600_000),
      signer.sign(REQUEST, { ...KEY, secretAccessKey: "other" }, TIME + 24 * 3600_000),
      signer.sign(REQUEST, KEY, TIME),
    ].map(signatureOf);
    expect(new Set(signatures).size).toBe(3);
    expect(signatures[3]).toBe(signatures[0]);
  });
});
