import type { X509Certificate } from "node:crypto";
import { parseCertificateBundle } from "../../lib/certificate-bundle.ts";
import { PemError } from "../../lib/pem-blocks.ts";
import { abilityOf } from "./token-algorithms.ts";
import type { NamedKey, TrustedKeySource } from "./trusted-keys.ts";

/** A file with keys that are trusted, and what is to be told of it. */
export interface TrustedKeyFile extends TrustedKeySource {
  /** What an operator should know of the file though it can be used: a sentence each. */
  remarks: readonly string[];
}

/**
 * Reads the certificates of `auth.token.rootcertbundle`. Their keys may sign tokens themselves, and so may those whom
 * they certify. One with a key that no token can be signed with still counts for the latter.
 *
 * @throws {PemError} if a block is damaged, or nothing in the file is of any use
 */
export function parseTrustedBundle(bytes: Uint8Array, now: Date = new Date()): TrustedKeyFile {
  const { certificates, skipped } = parseCertificateBundle(bytes);
  const keys: NamedKey[] = [];
  const remarks = skipped.map(({ kind, line }) => `the block ${kind} at line ${line} is passed over`);
  for (const [index, certificate] of certificates.entries()) {
    const what = `certificate ${index + 1}`;
    const ability = abilityOfCertificate(certificate);
    if ("key" in ability) keys.push(ability.key);
    else remarks.push(`${what} can sign no token: ${ability.problem}`);
    const timing = timingOf(certificate, now);
    if (timing) remarks.push(`${what} ${timing}: tokens are taken that name its key by kid, none by x5c`);
  }
  if (keys.length === 0 && !certificates.some(({ ca }) => ca)) {
    throw new PemError(`no token can be signed with what it holds: ${remarks.join("; ")}`);
  }
  return { anchors: certificates, keys, remarks };
}

function abilityOfCertificate(certificate: X509Certificate): { key: NamedKey } | { problem: string } {
  try {
    const { publicKey } = certificate;
    const ability = abilityOf(publicKey);
    return "problem" in ability ? ability : { key: { publicKey, kid: undefined, ...ability } };
  } catch {
    return { problem: "its key is of a type that is unknown here" };
  }
}

function timingOf({ validFrom, validTo }: X509Certificate, now: Date): string | undefined {
  if (now.getTime() > Date.parse(validTo)) return `expired on ${validTo}`;
  return now.getTime() < Date.parse(validFrom) ? `is not valid before ${validFrom}` : undefined;
}
