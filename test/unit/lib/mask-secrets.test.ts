import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MASK, maskText, maskUrls, maskValue, namesSecret } from "../../../src/lib/mask-secrets.ts";

const TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IkEifQ.eyJpc3MiOiJnaXRsYWItaXNzdWVyIn0.c2lnbmF0dXJl_-x";

describe("maskUrls", () => {
  it.each([
    ["https://me:hunter2@example.com/a", "https://***@example.com/a"],
    ["see redis://:hunter2@10.0.0.1:6379/0, please", "see redis://***@10.0.0.1:6379/0, please"],
    ["https://me:hunter2@b@example.com/a", "https://***@example.com/a"],
    ["https://me:hun/ter2@example.com/a", "https://***@example.com/a"],
    ["https://me:hun?ter#2@example.com", "https://***@example.com"],
    ["amqp+tls://u:hunter2@h", "amqp+tls://***@h"],
    [
      "/v2/a/blobs/uploads/u?_state=hunter2&digest=sha256:a",
      "/v2/a/blobs/uploads/u?_state=***&digest=sha256:a",
    ],
    ["/jwt/auth?account=me&password=hunter2", "/jwt/auth?account=me&password=***"],
    ["/x?a=1&access_token=hunter2#b", "/x?a=1&access_token=***#b"],
    ["/x?X-Amz-Signature=hunter2&X-Amz-Credential=hunter2", "/x?X-Amz-Signature=***&X-Amz-Credential=***"],
    ["/blob?sv=2&sig=hunter2", "/blob?sv=2&sig=***"],
    ["/u?%5Fstate=hunter2&p%41SSWORD=hunter2&%zz=a", "/u?%5Fstate=***&p%41SSWORD=***&%zz=a"],
  ])("masks %s", (text, masked) => {
    expect(maskUrls(text)).toBe(masked);
    expect(maskText(text)).toBe(masked);
  });

  it.each([
    "https://example.com:5000/v2/a/manifests/sha256:a@b",
    "https://example.com:5000?x=a@b",
    "/v2/_catalog?n=10&last=a",
    "docker://127.0.0.1:5000/alpine",
    "/v2/a/blobs/uploads/?mount=sha256:a&from=b",
    "mail to somebody@example.com",
  ])("leaves %s", (text) => expect(maskText(text)).toBe(text));
});

describe("maskText", () => {
  it.each([
    [`the token ${TOKEN} is refused`, "the token *** is refused"],
    [`"${TOKEN}"`, '"***"'],
    [`Authorization: Bearer ${TOKEN}`, "Authorization: Bearer ***"],
    ["Bearer 3f2a9c1d88", "Bearer ***"],
    ["Basic YWxpY2U6aHVudGVyMg==", "Basic ***"],
  ])("masks %s", (text, masked) => expect(maskText(text)).toBe(masked));

  it.each([
    "Basic authentication is refused",
    'Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry"',
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "token: expired at 2026-11-21",
  ])("leaves %s", (text) => expect(maskText(text)).toBe(text));

  it("leaves no password of a URL, whatever it is made of", () => {
    const password = fc
      .stringMatching(/^[\w!$&'()*+,;=:%~.@-]{1,30}$/)
      .filter((text) => !text.includes("@"))
      .map((text) => `hunter2${text}`);
    fc.assert(
      fc.property(fc.constantFrom("https", "redis", "s3"), password, (scheme, secret) => {
        expect(maskText(`at ${scheme}://user:${secret}@host.example/x: failed`)).not.toContain("hunter2");
      }),
    );
  });
});

describe("maskValue", () => {
  it("masks by the names of fields, at any depth, and what texts show", () => {
    const fields = {
      uri: "/v2/a/blobs/uploads/u?_state=hunter2",
      error: new Error("GET https://me:hunter2@h/ failed"),
      headers: { Authorization: "Basic aHVudGVyMg==", Cookie: ["hunter2"], Accept: "*/*" },
      list: [{ password: "hunter2" }, `Bearer ${TOKEN}`],
      secretKey: { nested: "hunter2" },
      token: "",
      count: 3,
      when: new Date(0),
    };
    const masked = maskValue("", fields);
    expect(JSON.stringify(masked)).not.toMatch(/hunter2|aHVudGVyMg|eyJ/);
    expect(masked).toMatchObject({
      headers: { Authorization: MASK, Cookie: MASK, Accept: "*/*" },
      secretKey: MASK,
      token: "",
      count: 3,
      when: new Date(0),
    });
  });

  it("ends at values that hold themselves", () => {
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    expect(JSON.stringify(maskValue("", loop))).toContain(MASK);
  });
});

describe("namesSecret", () => {
  it.each([
    "password",
    "REGISTRY_HTTP_SECRET",
    "X-Api-Key",
    "sessionToken",
    "Set-Cookie",
    "Proxy-Authorization",
    "dsn",
  ])("knows %s", (name) => expect(namesSecret(name)).toBe(true));
  it.each(["path", "key", "realm", "repository", "signaling", "requestId"])("leaves %s", (name) =>
    expect(namesSecret(name)).toBe(false),
  );
});
