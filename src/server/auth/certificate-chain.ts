import { X509Certificate } from "node:crypto";
import { isBase64 } from "../../lib/base64.ts";
import { checkConstraints } from "./certificate-constraints.ts";
import { TokenRefused } from "./token-refused.ts";

/** Certificates of a token, its own included. Real chains have two or three; each costs an unknown client nothing. */
const MAX_CHAIN_LENGTH = 5;

/** A chain that ends in a certificate that is trusted. */
export interface VerifiedChain {
  leaf: X509Certificate;
  /** When the first of its certificates expires, in milliseconds since 1970. */
  validUntilMs: number;
}

/**
 * Checks the certificates of an `x5c` header: each is valid now and issued by the next one, an authority, until one of
 * `anchors` is reached, or one is such an anchor itself. The order behind the first one does not matter.
 *
 * @param x5c - base64 of DER, the signer's certificate first
 * @throws {TokenRefused} with the reason
 * @see https://www.rfc-editor.org/rfc/rfc7515#section-4.1.6
 */
export async function verifyCertificateChain(
  x5c: readonly unknown[],
  anchors: readonly X509Certificate[],
  nowMs: number,
): Promise<VerifiedChain> {
  if (x5c.length > MAX_CHAIN_LENGTH) {
    throw new TokenRefused(`x5c has ${x5c.length} certificates, more than ${MAX_CHAIN_LENGTH}`);
  }
  const [leaf, ...others] = x5c.map(parseCertificate);
  if (leaf === undefined) throw new TokenRefused("x5c is empty");
  if (!isValidAt(leaf, nowMs))
    throw new TokenRefused("the certificate in x5c has expired or is not valid yet");
  const isUsable = (certificate: X509Certificate): boolean => isValidAt(certificate, nowMs);
  const path = findPath(leaf, others.filter(isUsable), anchors.filter(isUsable));
  if (path === undefined) {
    throw new TokenRefused(
      findPath(leaf, others, anchors)
        ? "x5c leads to the bundle by a certificate that has expired or is not valid yet"
        : "x5c does not lead to a certificate of the bundle",
    );
  }
  if (path.length > 1) await checkConstraints(path);
  return { leaf, validUntilMs: Math.min(...path.map((each) => Date.parse(each.validTo))) };
}

function parseCertificate(text: unknown): X509Certificate {
  if (typeof text !== "string" || text === "" || !isBase64(text)) {
    throw new TokenRefused("x5c holds something else than base64");
  }
  try {
    return new X509Certificate(Buffer.from(text, "base64"));
  } catch {
    throw new TokenRefused("x5c holds something else than certificates");
  }
}

function isValidAt(certificate: X509Certificate, nowMs: number): boolean {
  return Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo);
}

/**
 * Looks from the anchors down, so that nothing is computed with a key that nobody vouches for: strangers can make keys
 * that take a hundred times as long to check with, and many ways from one certificate to the next.
 *
 * @returns the way from `leaf` to an anchor, both included; undefined if there is none
 */
function findPath(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  let ends: readonly Path[] = anchors.map((anchor) => [anchor]);
  let waiting: readonly X509Certificate[] = [leaf, ...others];
  while (ends.length > 0) {
    const found = new Map<X509Certificate, Path>();
    for (const certificate of waiting) {
      const path = pathFrom(certificate, ends);
      if (path) found.set(certificate, path);
    }
    const whole = found.get(leaf);
    if (whole) return whole;
    ends = [...found.values()];
    waiting = waiting.filter((each) => !found.has(each));
  }
  return undefined;
}

/** A certificate, its issuer and so on; the last is an anchor. */
type Path = readonly [X509Certificate, ...X509Certificate[]];

function pathFrom(certificate: X509Certificate, ends: readonly Path[]): Path | undefined {
  const same = ends.find(([end]) => end.raw.equals(certificate.raw));
  if (same) return same;
  const issuer = ends.find(([end]) => isIssuedBy(certificate, end));
  return issuer && [certificate, ...issuer];
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  if (!issuer.ca || !certificate.checkIssued(issuer)) return false;
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key or signature of a kind that this OpenSSL does not know.
    return false;
  }
}
