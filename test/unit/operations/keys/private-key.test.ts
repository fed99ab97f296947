import { createPublicKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parsePrivateKeyFile } from "../../../../src/operations/keys/private-key.ts";
import {
  OTHER_KEY,
  SIGNING_CERTIFICATE,
  SIGNING_KEY,
  SIGNING_KEY_ENCRYPTED,
  SIGNING_KEY_PKCS8,
} from "../../../support/signing-pair.ts";

function parse(text: string) {
  return parsePrivateKeyFile(Buffer.from(text));
}

describe("parsePrivateKeyFile", () => {
  it.each([
    ["PKCS #1", SIGNING_KEY],
    ["PKCS #8", SIGNING_KEY_PKCS8],
    ["line ends of Windows", SIGNING_KEY.replaceAll("\n", "\r\n")],
  ])("reads a key in %s", (_form, text) => {
    const { key, others } = parse(text);
    expect(createPublicKey(key).equals(new X509Certificate(SIGNING_CERTIFICATE).publicKey)).toBe(true);
    expect(others).toEqual([]);
  });

  it("tells what else is in the file", () => {
    expect(parse(SIGNING_CERTIFICATE + OTHER_KEY)).toMatchObject({ others: ["CERTIFICATE"] });
  });

  it.each([
    ["an empty file", "", "the file is empty"],
    ["a text", "hello", "no private key, but nothing in PEM form"],
    ["the other half", SIGNING_CERTIFICATE, "no private key, but CERTIFICATE"],
    ["a key with a password", SIGNING_KEY_ENCRYPTED, "line 1: the private key has a password"],
    [
      "a key with a password as in old times",
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,26\n\nAAAA\n-----END RSA PRIVATE KEY-----",
      "line 1: the private key has a password",
    ],
    [
      "a key of ssh",
      "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
      "line 1: OPENSSH PRIVATE KEY is no form of key that GitLab reads",
    ],
    [
      "a damaged key",
      SIGNING_KEY.replace("MII", "AAA"),
      "line 1: the private key (RSA PRIVATE KEY) is damaged",
    ],
    [
      "a key as gitlab.rb leaves it in single quotes",
      SIGNING_KEY.replaceAll("\n", String.raw`\n`),
      String.raw`line 1: block 1 holds \n as two characters in place of line ends`,
    ],
  ])("refuses %s", (_what, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it("shows nothing of a key in an error", () => {
    const broken = SIGNING_KEY.replace("-----END RSA", "-----END XXX").replaceAll("\n", "*\n");
    expect(() => parse(broken)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/[a-zA-Z0-9+/]{20}/) }),
    );
  });
});
