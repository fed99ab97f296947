import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { opensslCiphers } from "../config/cipher-suites.ts";
import type { TlsSettings } from "../config/settings.ts";
import { ConfigError } from "../errors.ts";
import { parseCertificateBundle } from "../lib/certificate-bundle.ts";
import { messageOf } from "../lib/message-of.ts";
import { fileProblemOf } from "../lib/system-error.ts";

/** Reads one of the files that `http.tls` names. */
export type ReadFile = (path: string) => Buffer;

/** What of the configuration and its files goes into every new connection. */
export interface ServerCertificate {
  options: SecureContextOptions;
  /** For the log: what of it can be told from another. */
  facts: { subject: string; validTo: string; fingerprint: string; clientAuthorities: number };
  /** What is odd about the files, though it works. */
  warnings: string[];
}

/**
 * Reads certificate, key and clients' authorities, and tries them.
 *
 * @param readFile - `readFileSync`, or what watches the files
 * @throws {ConfigError} if a file cannot be read, is no PEM, or certificate and key do not belong together
 */
export function loadServerCertificate(settings: TlsSettings, readFile: ReadFile): ServerCertificate {
  const cert = readPem("http.tls.certificate", settings.certificate, readFile);
  const key = readPem("http.tls.key", settings.key, readFile);
  const authorities = settings.clientCas.map((path) => readAuthorities(path, readFile));
  const options: SecureContextOptions = {
    cert,
    key,
    minVersion: settings.minimumTls,
    ciphers: opensslCiphers(settings.cipherSuites),
    ...(authorities.length === 0 ? {} : { ca: authorities.flat().map((each) => each.toString()) }),
  };
  tryOptions(settings, options);
  const own = new X509Certificate(cert);
  return {
    options,
    facts: {
      subject: own.subject,
      validTo: own.validTo,
      fingerprint: own.fingerprint256,
      clientAuthorities: authorities.flat().length,
    },
    warnings: [
      ...expiry(settings.certificate, own),
      ...lackingRoots(authorities.flat()),
      ...uselessCiphers(settings),
    ],
  };
}

function tryOptions(settings: TlsSettings, options: SecureContextOptions): void {
  try {
    createSecureContext(options);
  } catch (error) {
    const reason = messageOf(error);
    const mismatch = reason.includes("key values mismatch");
    throw new ConfigError(
      mismatch
        ? `http.tls.key ${settings.key} does not belong to http.tls.certificate ${settings.certificate}`
        : `http.tls: ${settings.certificate} and ${settings.key} cannot be used: ${reason}`,
      { hint: "give the PEM files of one certificate chain and of its private key", cause: error },
    );
  }
}

function readPem(what: string, path: string, readFile: ReadFile): Buffer {
  try {
    return readFile(path);
  } catch (error) {
    throw new ConfigError(`${what}: cannot read ${path}: ${fileProblemOf(error)}`, {
      hint: "check that the file exists and that the server's user may read it",
      cause: error,
    });
  }
}

function readAuthorities(path: string, readFile: ReadFile): X509Certificate[] {
  const content = readPem("http.tls.clientcas", path, readFile);
  try {
    return parseCertificateBundle(content).certificates;
  } catch (error) {
    throw new ConfigError(`http.tls.clientcas: ${path} cannot be used: ${messageOf(error)}`, {
      hint: "give PEM files with the certificates of the authorities that sign clients' certificates",
      cause: error,
    });
  }
}

function expiry(path: string, certificate: X509Certificate): string[] {
  const nowMs = Date.now();
  if (Date.parse(certificate.validTo) < nowMs) return [`${path} has expired at ${certificate.validTo}`];
  if (Date.parse(certificate.validFrom) > nowMs)
    return [`${path} is not valid until ${certificate.validFrom}`];
  return [];
}

function uselessCiphers({ minimumTls, cipherSuites }: TlsSettings): string[] {
  if (minimumTls !== "TLSv1.3" || cipherSuites.length === 0) return [];
  return ["http.tls.ciphersuites is of no effect with http.tls.minimumtls tls1.3, which leaves no choice"];
}

/** OpenSSL trusts chains up to a root only, while for Go any certificate of the list will do as their end. */
function lackingRoots(authorities: readonly X509Certificate[]): string[] {
  return authorities
    .filter((each) => !authorities.some((other) => each.checkIssued(other)))
    .map((each) => {
      const name = each.subject.replaceAll("\n", ", ");
      return `http.tls.clientcas has ${name} without its issuer: clients that it signed are refused until the root is added`;
    });
}
