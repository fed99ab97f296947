import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCertificateBundle } from "../../../src/lib/certificate-bundle.ts";
import { PemError, parsePemBlocks } from "../../../src/lib/pem-blocks.ts";
import { OTHER_CERTIFICATE } from "../../support/signing-pair.ts";

/** Two certificates of one key, made with `openssl req -x509`. */
const ONE = OTHER_CERTIFICATE.trimEnd();
const TWO = `-----BEGIN CERTIFICATE-----
MIIBXzCCAQagAwIBAgIBCDAKBggqhkjOPQQDAjAOMQwwCgYDVQQDDAN0d28wIBcN
MjYxMTIxMTEwNzQ5WhgPMjEyNjEwMjgxMTA3NDlaMA4xDDAKBgNVBAMMA3R3bzBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABIEMW1JTxiyVoew4njAK3GHQAq8YYCxM
Ew3k0j50muVBNL2N0fRMGq/QCYUsw34vQQvOZkGv8edxRMc5t4S71fijUzBRMB0G
A1UdDgQWBBQTe6oYQUavit3IAO+0lR1u7v3QzTAfBgNVHSMEGDAWgBQTe6oYQUav
it3IAO+0lR1u7v3QzTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQC
IBlmkgKifQsnga7CVZn9aXYc8rARYfFr/FIPRd8irbS5AiBh7uyRHli7/lMkuRBx
dTFVSKp4r+VEwAnpxDsoOMEMFg==
-----END CERTIFICATE-----`;

function subjects(content: string | Uint8Array): string[] {
  return parseCertificateBundle(content).certificates.map(({ subject }) => subject);
}

describe("parseCertificateBundle", () => {
  it("reads all certificates in their order", () => {
    expect(subjects(`${TWO}\n${ONE}\n`)).toEqual(["CN=two", "CN=one"]);
  });

  it("reads bytes as well as text", () => {
    expect(subjects(Buffer.from(ONE))).toEqual(["CN=one"]);
  });

  it("needs no line end at the end, and takes those of Windows", () => {
    expect(subjects(`${ONE}\n${TWO}`.replaceAll("\n", "\r\n"))).toEqual(["CN=one", "CN=two"]);
  });

  it("passes over what openssl writes around certificates", () => {
    const text = "Certificate:\n    Data:\n        Serial Number: 7 (0x7)\n -----\n";
    expect(subjects(`${text}${ONE}\n\n${text}${TWO}\nsubject=CN = two\n`)).toEqual(["CN=one", "CN=two"]);
  });

  it("tells of blocks of other kinds", () => {
    const other = (kind: string) => `-----BEGIN ${kind}-----\nAAAA\n-----END ${kind}-----\n`;
    const bundle = parseCertificateBundle(`${other("PRIVATE KEY")}${ONE}\n${other("TRUSTED CERTIFICATE")}`);
    expect(bundle.certificates).toHaveLength(1);
    expect(bundle.skipped).toEqual([
      { kind: "PRIVATE KEY", line: 1 },
      { kind: "TRUSTED CERTIFICATE", line: 14 },
    ]);
  });

  it.each([
    ["an empty file", "", "the file is empty"],
    ["a text", "hello\n", "no block BEGIN CERTIFICATE"],
    [
      "only what no registry reads",
      "-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n",
      "no block BEGIN CERTIFICATE, but TRUSTED CERTIFICATE at line 1",
    ],
    [
      "a block that is no certificate",
      ONE.replace("MIIBXz", "AAAAAA"),
      "line 1: block 1 (CERTIFICATE) is not a certificate",
    ],
    [
      "a second block cut short",
      `${ONE}\n${TWO.slice(0, 300)}`,
      "line 11: block 2 (CERTIFICATE) does not end",
    ],
    [
      "a line cut short",
      `${ONE}\n${TWO.replace("Fg==", "")}`,
      "line 11: block 2 (CERTIFICATE) is not a certificate",
    ],
    ["a strange character", ONE.replace("MjYx", "Mj*x"), "line 3: block 1 (CERTIFICATE) holds characters"],
    [
      "an empty block",
      "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
      "line 1: block 1 (CERTIFICATE) is empty",
    ],
    [
      "a BEGIN within a block",
      ONE.replace(/-----END.*/, TWO),
      "line 1: block 1 (CERTIFICATE) does not end before",
    ],
    [
      "another END",
      ONE.replace("END CERTIFICATE", "END X509 CRL"),
      "line 1: block 1 (CERTIFICATE) does not end but",
    ],
    ["an END alone", ONE.replace(/.*BEGIN.*\n/, ""), "line 9: END CERTIFICATE without a BEGIN"],
    ["a lacking line end", ONE + TWO, "line 10: block 1 begins on the line"],
    [
      "backslashes for line ends",
      ONE.replaceAll("\n", "\\n"),
      String.raw`line 1: block 1 holds \n as two characters`,
    ],
    [
      "an indented block",
      ONE.replaceAll(/^/gm, "  "),
      "line 1: block 1 has a BEGIN or END that does not stand alone",
    ],
    ["a byte order mark", `\uFEFF${ONE}`, "line 1: block 1 has a BEGIN or END that does not stand alone"],
  ])("refuses %s and says where", (_what, content, message) => {
    expect(() => parseCertificateBundle(content)).toThrow(message);
    expect(() => parseCertificateBundle(Buffer.from(content))).toThrow(message);
  });

  it("refuses bytes behind a certificate", () => {
    const der = Buffer.concat([parsePemBlocks(ONE)[0]?.der ?? Buffer.alloc(0), Buffer.from("behind")]);
    const pem = `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
    expect(() => parseCertificateBundle(pem)).toThrow("line 1: block 1 (CERTIFICATE) has bytes behind");
  });
});

describe("parsePemBlocks", () => {
  it("refuses or reads any text whatever, and says so in its own words", () => {
    const pieces = [
      "-----BEGIN ",
      "-----END ",
      "-----",
      "CERTIFICATE",
      "\n",
      "\r\n",
      "\\n",
      "AAAA",
      "=",
      ":",
      " ",
      "é",
    ];
    const texts = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string())).map((parts) => parts.join(""));
    fc.assert(
      fc.property(texts, (text) => {
        try {
          for (const block of parsePemBlocks(text)) expect(block.der.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(PemError);
        }
      }),
    );
  });

  it("leaves headers out of the content, and says that there are some", () => {
    const pem =
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\nAQID\nBAUG\n-----END RSA PRIVATE KEY-----";
    expect(parsePemBlocks(pem)).toEqual([
      { kind: "RSA PRIVATE KEY", line: 1, der: Buffer.from([1, 2, 3, 4, 5, 6]), hasHeaders: true },
    ]);
  });
});
