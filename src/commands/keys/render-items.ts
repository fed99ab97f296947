import {
  type CertificateDescription,
  EXPIRES_SOON_DAYS,
} from "../../operations/keys/describe-certificate.ts";
import type { KeyDescription } from "../../operations/keys/describe-key.ts";

/** @returns the lines that tell of a certificate: its name first, the rest indented */
export function certificateLines(certificate: CertificateDescription): string[] {
  const { subject, issuer, selfSigned, serial, validFrom, validTo, sha256, key } = certificate;
  return [
    `certificate: ${subject || "without a name"}`,
    `  issued by: ${selfSigned ? "itself" : issuer || "nobody with a name"}`,
    `  serial:    ${serial}`,
    `  valid:     ${validFrom.slice(0, 10)} to ${validTo.slice(0, 10)}, ${timeLeft(certificate)}`,
    `  sha256:    ${sha256}`,
    ...keyLines(key),
  ];
}

/** @returns the lines that tell of a key, indented */
export function keyLines({
  algorithm,
  libtrustFingerprint,
  jwkThumbprint,
  sha256,
}: KeyDescription): string[] {
  return [
    `  key:       ${algorithm}, sha256 ${sha256}`,
    `  kid:       ${libtrustFingerprint} (libtrust, as in GitLab's tokens)`,
    `             ${jwkThumbprint} (RFC 7638)`,
  ];
}

function timeLeft({ daysLeft }: CertificateDescription): string {
  if (daysLeft < 0) return `EXPIRED ${-daysLeft} days ago`;
  return daysLeft < EXPIRES_SOON_DAYS ? `ONLY ${daysLeft} days left` : `${daysLeft} days left`;
}
