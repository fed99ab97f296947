import { CancelledError, UsageError } from "../../errors.ts";
import { type CertificateBundle, parseCertificateBundle } from "../../lib/certificate-bundle.ts";
import { PemError } from "../../lib/pem-blocks.ts";
import { type CertificateDescription, describeCertificate } from "./describe-certificate.ts";
import { type FileToPlace, inspectPlaces, placeFiles } from "./place-files.ts";
import { readKeyFile } from "./read-key-file.ts";
import { makeSigningPair } from "./signing-pair.ts";

/** What making a pair works with. */
export interface GenerateKeysOptions {
  /** Absolute paths. */
  keyFile: string;
  certificateFile: string;
  /** A bundle that gets the new certificate beside those that it has. */
  addTo?: string | undefined;
  /** Of the certificate. */
  commonName: string;
  days: number;
  /** Replace files that are there, and keep them beside. */
  force: boolean;
  dryRun: boolean;
  /** Our clock, in milliseconds since 1970. */
  nowMs: number;
  signal?: AbortSignal | undefined;
}

/** What was made; with `--json` it is the document. */
export interface GenerateKeysReport {
  schemaVersion: 1;
  command: "keys generate";
  dryRun: boolean;
  keyFile: string;
  certificateFile: string;
  /** The bundle, and how many certificates it has now. */
  bundle?: { file: string; certificates: number };
  /** Where replaced files are kept. */
  backups: string[];
  /** Not with a dry run, which makes none. */
  certificate?: CertificateDescription;
}

/**
 * Makes the key that GitLab signs with and the certificate that a registry knows it by, and puts them into files: all of
 * them or none. The bundle comes first and the key last, so that a registry never lacks the certificate of a key in use.
 *
 * @throws {UsageError} if a file is there already, is no file or a link
 * @throws {PemError} if the bundle holds something else than certificates
 * @throws {CancelledError} if it is aborted; nothing has been written then
 */
export async function generateKeys(options: GenerateKeysOptions): Promise<GenerateKeysReport> {
  const { keyFile, certificateFile, addTo, nowMs, force, dryRun } = options;
  requireDifferent([keyFile, certificateFile, ...(addTo === undefined ? [] : [addTo])]);
  const present = force ? "back-up" : "refuse";
  const planned: FileToPlace[] = [
    { path: certificateFile, content: "", mode: 0o644, present },
    { path: keyFile, content: "", mode: 0o600, present },
  ];
  inspectPlaces(planned);
  const bundle = addTo === undefined ? undefined : readBundle(addTo);
  const report: GenerateKeysReport = {
    schemaVersion: 1,
    command: "keys generate",
    dryRun,
    keyFile,
    certificateFile,
    backups: [],
  };
  if (bundle) report.bundle = { file: bundle.path, certificates: bundle.certificates.length + 1 };
  if (dryRun) return report;

  const pair = await makeSigningPair({ commonName: options.commonName, days: options.days, nowMs });
  if (options.signal?.aborted) throw new CancelledError("stopped; nothing was written");
  const files: FileToPlace[] = [
    { path: certificateFile, content: pair.certificatePem, mode: 0o644, present },
    { path: keyFile, content: pair.keyPem, mode: 0o600, present },
  ];
  if (bundle) {
    const { path, bytes } = bundle;
    const lineEnd = bytes.at(-1) === 0x0a ? "" : "\n";
    const content = Buffer.concat([bytes, Buffer.from(`${lineEnd}${pair.certificatePem}`)]);
    files.unshift({ path, content, mode: 0o644, keepMode: true, present: "replace" });
  }
  report.backups = placeFiles(files, backupSuffix(nowMs));
  report.certificate = await describeCertificate(pair.certificate, nowMs);
  return report;
}

function requireDifferent(paths: readonly string[]): void {
  if (new Set(paths).size === paths.length) return;
  throw new UsageError("key, certificate and bundle need a file each", {
    hint: "give each its own path: --key, --certificate, --add-to",
  });
}

function readBundle(path: string): CertificateBundle & { path: string; bytes: Buffer } {
  inspectPlaces([{ path, content: "", mode: 0o644, present: "replace" }]);
  const { content } = readKeyFile(path);
  try {
    return { ...parseCertificateBundle(content), path, bytes: content };
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    throw new PemError(`${path}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

/** Sorts by time, and is a name that no program takes for a key in use. */
function backupSuffix(nowMs: number): string {
  return `${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "")}.bak`;
}
