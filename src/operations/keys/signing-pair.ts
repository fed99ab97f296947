// The certificate library finds its parts through this.
import "reflect-metadata";
import { createPrivateKey, generateKeyPair, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import { X509CertificateGenerator } from "@peculiar/x509";

/** What GitLab's packages make: RSA, as GitLab signs with RS256 and nothing else. */
const RSA_BITS = 4096;
const SIGNATURE = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const DAY_MS = 86_400_000;
/** Of the serial number: enough that two are never the same, and within the 20 bytes that RFC 5280 allows. */
const SERIAL_BYTES = 16;

/** A private key and the certificate of its public half. */
export interface SigningPair {
  /** In the form that GitLab's packages write (`RSA PRIVATE KEY`). */
  keyPem: string;
  certificatePem: string;
  certificate: X509Certificate;
}

/** What the certificate says. */
export interface SigningPairOptions {
  commonName: string;
  days: number;
  /** Our clock, in milliseconds since 1970. */
  nowMs: number;
}

/**
 * Makes a pair like the one that GitLab's packages make for the registry: RSA 4096, SHA-256, version 3, signed by
 * itself, without extensions. What is theirs and not proper is left out: a country of three letters, and serial number 0,
 * which no two certificates of a name may share.
 *
 * @see https://github.com/gitlabhq/omnibus-gitlab/blob/01e1af4632cdd9aa48fea402a2d7210c88b5e8f4/files/gitlab-cookbooks/gitlab/libraries/registry.rb
 */
export async function makeSigningPair({ commonName, days, nowMs }: SigningPairOptions): Promise<SigningPair> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: RSA_BITS,
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "der" },
  });
  const { subtle } = webcrypto;
  // Certificates know no fractions of a second.
  const notBefore = new Date(Math.floor(nowMs / 1000) * 1000);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: positiveSerial(),
    name: [{ O: ["GitLab"] }, { OU: ["Container"] }, { CN: [commonName] }],
    notBefore,
    notAfter: new Date(notBefore.getTime() + days * DAY_MS),
    signingAlgorithm: SIGNATURE,
    keys: {
      privateKey: await subtle.importKey("pkcs8", privateKey, SIGNATURE, false, ["sign"]),
      publicKey: await subtle.importKey("spki", publicKey, SIGNATURE, true, ["verify"]),
    },
  });
  const parsed = new X509Certificate(Buffer.from(certificate.rawData));
  const key = createPrivateKey({ key: privateKey, format: "der", type: "pkcs8" });
  return {
    keyPem: key.export({ type: "pkcs1", format: "pem" }).toString(),
    certificatePem: parsed.toString(),
    certificate: parsed,
  };
}

/** @returns hexadecimal; the first bit is 0 and the second 1, so that it is positive and has its full length */
function positiveSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}
