import type { KeyObject, X509Certificate } from "node:crypto";
import { type CertificateBundle, parseCertificateBundle } from "../../lib/certificate-bundle.ts";
import {
  type CertificateDescription,
  describeCertificate,
  EXPIRES_SOON_DAYS,
} from "./describe-certificate.ts";
import { exposureOf } from "./file-exposure.ts";
import { parseOrTell, readOrTell } from "./told-problems.ts";

/** What a look at `auth.token.rootcertbundle` came to. */
export interface CheckedBundle {
  problems: string[];
  warnings: string[];
  /** Undefined if there is none that a registry could read. */
  content: Buffer | undefined;
  bundle: { file: string; certificates: BundledCertificate[] } | undefined;
}

/** A certificate of a bundle. */
export type BundledCertificate = CertificateDescription & {
  /** It is for the key that was checked. */
  ofKey: boolean;
};

/**
 * Looks at the file with the certificates that a registry trusts.
 *
 * @param path - absolute, or empty if the registry names none
 * @param publicKey - of the key that one of them should be for
 * @param nowMs - our clock, in milliseconds since 1970
 * @throws {UnreadableKeyFileError} if it is there and may not be read
 */
export async function checkBundle(
  path: string,
  publicKey: KeyObject | undefined,
  nowMs: number,
): Promise<CheckedBundle> {
  const result: CheckedBundle = { problems: [], warnings: [], content: undefined, bundle: undefined };
  const file = path === "" ? undefined : readOrTell(path, result.problems);
  if (!file) return result;
  const { write } = exposureOf(path, file.stats);
  if (write)
    result.warnings.push(`anybody on this host may write ${path}, and so let themselves in: chmod 644`);
  const parsed = parseOrTell(path, () => parseCertificateBundle(file.content), result.problems);
  if (!parsed) return result;
  result.content = file.content;
  result.warnings.push(...remarks(path, file.content, parsed));
  const certificates = await Promise.all(
    parsed.certificates.map((certificate) => describe(certificate, publicKey, nowMs)),
  );
  result.bundle = { file: path, certificates };
  for (const [index, certificate] of certificates.entries()) {
    const timing = timingOf(certificate, nowMs);
    if (timing) result.warnings.push(`${path}: certificate ${index + 1} ${timing}`);
  }
  return result;
}

function* remarks(path: string, content: Buffer, { skipped }: CertificateBundle): Generator<string> {
  for (const { kind, line } of skipped) {
    yield kind.endsWith("PRIVATE KEY")
      ? `${path}: line ${line} is a private key: the registry needs none, and whoever has it can sign tokens`
      : `${path}: line ${line} is a block ${kind}, which registries pass over`;
  }
  if (content.includes("\r\n")) yield `${path} has line ends of Windows`;
  if (content.at(-1) !== 0x0a) {
    yield `${path} has no line end at its end: a certificate that is added to it with cat would be lost`;
  }
}

async function describe(
  certificate: X509Certificate,
  publicKey: KeyObject | undefined,
  nowMs: number,
): Promise<BundledCertificate> {
  const ofKey = publicKey?.equals(certificate.publicKey) ?? false;
  return { ...(await describeCertificate(certificate, nowMs)), ofKey };
}

/** Go registries ask for a certificate's dates only where a token brings certificates along, which GitLab's do not. */
function timingOf({ validFrom, daysLeft }: BundledCertificate, nowMs: number): string | undefined {
  const harm = "GitLab's tokens are accepted nevertheless, those with x5c are not";
  if (Date.parse(validFrom) > nowMs) return `is not valid before ${validFrom}: ${harm}`;
  if (daysLeft < 0) return `expired ${-daysLeft} days ago: ${harm}`;
  return daysLeft < EXPIRES_SOON_DAYS ? `expires in ${daysLeft} days` : undefined;
}
