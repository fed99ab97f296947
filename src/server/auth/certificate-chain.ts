import { X509Certificate } from "node:crypto";
import { checkConstraints } from "./certificate-constraints.ts";
import { TokenRefused } from "./token-refused.ts";

/** Certificates of a token, its own included. Real chains have two or three; each costs an unknown client nothing. */
const MAX_CHAIN_LENGTH = 5;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

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
  const path = findPath([leaf], others.filter(isUsable), anchors.filter(isUsable));
  if (path === undefined) {
    throw new TokenRefused(
      findPath([leaf], others, anchors)
        ? "x5c leads to the bundle by a certificate that has expired or is not valid yet"
        : "x5c does not lead to a certificate of the bundle",
    );
  }
  if (path.length > 1) await checkConstraints(path);
  return { leaf, validUntilMs: Math.min(...path.map((each) => Date.parse(each.validTo))) };
}

function parseCertificate(text: unknown): X509Certificate {
  if (typeof text !== "string" || text === "" || !BASE64.test(text)) {
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

/** @returns `path` and the issuers that lead from its end to an anchor, the anchor last; undefined if none do */
function findPath(
  path: readonly X509Certificate[],
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const last = path.at(-1);
  if (last === undefined || anchors.some((anchor) => anchor.raw.equals(last.raw))) return path;
  const anchor = anchors.find((each) => isIssuedBy(last, each));
  if (anchor) return [...path, anchor];
  for (const issuer of others) {
    if (!isIssuedBy(last, issuer)) continue;
    const rest = others.filter((each) => each !== issuer);
    const found = findPath([...path, issuer], rest, anchors);
    if (found) return found;
  }
  return undefined;
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
