import type { X509Certificate } from "node:crypto";
import { printableLine } from "../../lib/printable.ts";
import { describeKey, type KeyDescription } from "./describe-key.ts";

/** What a certificate says. */
export interface CertificateDescription {
  /** On one line, as `C=USA, O=GitLab, OU=Container, CN=Registry`. */
  subject: string;
  issuer: string;
  /** Issuer and subject are the same, and its own key has signed it. */
  selfSigned: boolean;
  /** In hexadecimal. */
  serial: string;
  /** ISO 8601, in UTC. */
  validFrom: string;
  validTo: string;
  /** Whole days; negative once it has expired. */
  daysLeft: number;
  /** Of the certificate in DER form, in hexadecimal. */
  sha256: string;
  key: KeyDescription;
}

/** Before a certificate ends there is to be time for a key change on all nodes. */
export const EXPIRES_SOON_DAYS = 30;

const DAY_MS = 86_400_000;

/** @param nowMs - our clock, in milliseconds since 1970 */
export async function describeCertificate(
  certificate: X509Certificate,
  nowMs: number,
): Promise<CertificateDescription> {
  const { subject, issuer, serialNumber, validFrom, validTo, fingerprint256, publicKey } = certificate;
  const validToMs = Date.parse(validTo);
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    selfSigned: certificate.checkIssued(certificate) && certificate.verify(publicKey),
    serial: serialNumber,
    validFrom: new Date(validFrom).toISOString(),
    validTo: new Date(validToMs).toISOString(),
    daysLeft: Math.floor((validToMs - nowMs) / DAY_MS),
    sha256: fingerprint256.replaceAll(":", "").toLowerCase(),
    key: await describeKey(publicKey),
  };
}

/** @param name - as Node gives it: a part on each line; nothing at all for a certificate without a name */
function oneLine(name: string | undefined): string {
  return printableLine((name ?? "").trim().replaceAll("\n", ", "));
}
