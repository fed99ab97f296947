// The certificate library finds its parts through this.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const LIFETIME_MS = 10 * 365 * 86_400_000;

/**
 * Makes what a server is started with until it has a certificate, which it can only get by being there: a certificate
 * that nobody trusts, with its key, in PEM form.
 */
export async function makePlaceholder(hosts: readonly string[], nowMs: number): Promise<string> {
  const { subtle } = webcrypto;
  const keys = await subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ["registry-ctl placeholder"] }],
    notBefore: new Date(nowMs),
    notAfter: new Date(nowMs + LIFETIME_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: "dns", value })))],
  });
  const key = Buffer.from(await subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const lines = key.match(/.{1,64}/g) ?? [];
  return [
    "-----BEGIN PRIVATE KEY-----",
    ...lines,
    "-----END PRIVATE KEY-----",
    certificate.toString("pem"),
    "",
  ].join("\n");
}
