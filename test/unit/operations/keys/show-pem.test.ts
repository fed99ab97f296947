import { describe, expect, it } from "vitest";
import { showPem } from "../../../../src/operations/keys/show-pem.ts";
import {
  OTHER_KEY,
  SIGNING_CERTIFICATE,
  SIGNING_FACTS,
  SIGNING_KEY,
  SIGNING_KEY_ENCRYPTED,
  SIGNING_KEY_PKCS8,
} from "../../../support/signing-pair.ts";

const KEY = {
  algorithm: "RSA 2048",
  libtrustFingerprint: SIGNING_FACTS.libtrustFingerprint,
  jwkThumbprint: SIGNING_FACTS.jwkThumbprint,
  sha256: SIGNING_FACTS.keySha256,
};
const DAY_MS = 86_400_000;
const END_MS = Date.parse(SIGNING_FACTS.validTo);

function show(text: string, nowMs = END_MS - 10 * DAY_MS) {
  return showPem(Buffer.from(text), nowMs);
}

describe("showPem", () => {
  it("tells of a certificate what openssl tells", async () => {
    expect(await show(`comment\n${SIGNING_CERTIFICATE}`)).toEqual([
      {
        line: 2,
        kind: "certificate",
        subject: "O=GitLab, OU=Container, CN=Registry",
        issuer: "O=GitLab, OU=Container, CN=Registry",
        selfSigned: true,
        serial: "04D2",
        validFrom: SIGNING_FACTS.validFrom,
        validTo: SIGNING_FACTS.validTo,
        daysLeft: 10,
        sha256: SIGNING_FACTS.certificateSha256,
        key: KEY,
      },
    ]);
  });

  it.each([
    ["a second before", -1000, 0],
    ["a second after", 1000, -1],
    ["three days after", 3 * DAY_MS, -3],
  ])("counts days %s the end", async (_when, afterMs, daysLeft) => {
    expect(await show(SIGNING_CERTIFICATE, END_MS + afterMs)).toMatchObject([{ daysLeft }]);
  });

  it.each([
    ["PKCS #1", SIGNING_KEY],
    ["PKCS #8", SIGNING_KEY_PKCS8],
  ])("tells of a private key (%s) what its public half tells, and no more", async (_form, pem) => {
    expect(await show(pem)).toEqual([{ line: 1, kind: "private key", key: KEY }]);
  });

  it("knows other keys, keys with a password and other blocks", async () => {
    const other = "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n";
    expect(await show(OTHER_KEY + SIGNING_KEY_ENCRYPTED + other)).toMatchObject([
      { kind: "private key", key: { algorithm: "EC P-256" } },
      { kind: "private key with a password" },
      { kind: "other", label: "DH PARAMETERS" },
    ]);
  });

  it.each([
    ["an empty file", "", "the file is empty"],
    ["a text", "ssh-rsa AAAA", "there is nothing in PEM form"],
    [
      "a damaged key",
      SIGNING_KEY.replace("MII", "AAA"),
      "line 1: the private key (RSA PRIVATE KEY) is damaged",
    ],
    [
      "a damaged certificate",
      SIGNING_CERTIFICATE.replace("MII", "AAA"),
      "line 1: block 1 (CERTIFICATE) is damaged",
    ],
    [
      "a damaged public key",
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      "line 1: block 1 (PUBLIC KEY) is damaged",
    ],
  ])("refuses %s", async (_what, text, message) => {
    await expect(show(text)).rejects.toThrow(message);
  });
});
