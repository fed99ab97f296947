import { X509Certificate } from "node:crypto";
import { PemError, parsePemBlocks } from "./pem-blocks.ts";

/** What a PEM file with certificates holds. */
export interface CertificateBundle {
  /** At least one, in the order of the file. */
  certificates: X509Certificate[];
  /** Blocks of another kind, such as `PRIVATE KEY` or `TRUSTED CERTIFICATE`, which no registry reads. */
  skipped: { kind: string; line: number }[];
}

/**
 * Reads a PEM file with one certificate or several, as `auth.token.rootcertbundle` and `http.tls.certificate` name it.
 *
 * @throws {PemError} if a block is damaged, or if there is no certificate at all
 */
export function parseCertificateBundle(content: string | Uint8Array): CertificateBundle {
  const certificates: X509Certificate[] = [];
  const skipped: CertificateBundle["skipped"] = [];
  for (const [index, { kind, line, der }] of parsePemBlocks(content).entries()) {
    if (kind === "CERTIFICATE") certificates.push(parseCertificate(der, line, index + 1));
    else skipped.push({ kind, line });
  }
  if (certificates.length === 0) throw noCertificate(content, skipped);
  return { certificates, skipped };
}

function parseCertificate(der: Buffer, line: number, number: number): X509Certificate {
  const what = `line ${line}: block ${number} (CERTIFICATE)`;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch (cause) {
    throw new PemError(`${what} is not a certificate`, { cause });
  }
  // OpenSSL takes no offence, Go does.
  if (certificate.raw.length !== der.length) throw new PemError(`${what} has bytes behind its certificate`);
  return certificate;
}

function noCertificate(content: string | Uint8Array, skipped: CertificateBundle["skipped"]): PemError {
  if (content.length === 0) return new PemError("the file is empty, expected certificates in PEM form");
  const kinds = [...new Set(skipped.map(({ kind, line }) => `${kind} at line ${line}`))];
  if (kinds.length === 0)
    return new PemError("no block BEGIN CERTIFICATE, expected certificates in PEM form");
  return new PemError(`no block BEGIN CERTIFICATE, but ${kinds.join(", ")}`, {
    hint: kinds.some((kind) => kind.startsWith("TRUSTED CERTIFICATE"))
      ? "write a plain certificate: openssl x509 -in FILE -out NEW"
      : "give the file with the certificate",
  });
}
