import { createPublicKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { jwkThumbprint, libtrustFingerprint } from "../../../src/lib/key-fingerprints.ts";

describe("libtrustFingerprint", () => {
  it("is the one of the example in Docker's manifest specification", () => {
    // https://github.com/distribution/distribution/blob/v2.8.3/docs/spec/manifest-v2-1.md
    const key = {
      kty: "EC",
      crv: "P-256",
      x: "3gAwX48IQ5oaYQAYSxor6rYYc_6yjuLCjtQ9LUakg4A",
      y: "t72ge6kIA1XOjqjVoEOiPPAURltJFBMGDSQvEGVB010",
    };
    expect(libtrustFingerprint(createPublicKey({ format: "jwk", key }))).toBe(
      "OD6I:6DRK:JXEJ:KBM4:255X:NSAA:MUSF:E4VM:ZI6W:CUN2:L4Z6:LSF4",
    );
  });

  it("is what openssl and base32 come to", () => {
    // openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | head -c 30 | base32 -w0 | sed 's/..../&:/g'
    const pem = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgQxbUlPGLJWh7DieMArcYdACrxhg
LEwTDeTSPnSa5UE0vY3R9Ewar9AJhSzDfi9BC85mQa/x53FExzm3hLvV+A==
-----END PUBLIC KEY-----`;
    expect(libtrustFingerprint(createPublicKey(pem))).toBe(
      "JXOP:4LJJ:RGMN:FW4Y:Y5HG:UGKJ:33EM:TSAB:LCCJ:7ZQT:VJXF:QTQ6",
    );
  });
});

describe("jwkThumbprint", () => {
  it("is the one of the example in RFC 7638", async () => {
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3" +
      "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA" +
      "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-" +
      "kEgU8awapJzKnqDKgw";
    const key = createPublicKey({ format: "jwk", key: { kty: "RSA", n, e: "AQAB" } });
    expect(await jwkThumbprint(key)).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });
});
