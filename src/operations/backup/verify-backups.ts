import { createHash } from "node:crypto";
import { CancelledError, PathNotFoundError, StorageUnavailableError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import { type Digest, digestAlgorithm, digestFromHex } from "../../oci/digest.ts";
import { readChunks } from "../../registry/copy/read-chunks.ts";
import { blobDataPath } from "../../registry/paths.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { SnapshotId } from "./backup-layout.ts";
import { listSnapshotIds } from "./choose-snapshot.ts";
import { InvalidSnapshotError, readSnapshot } from "./read-snapshot.ts";
import { RecordSpool } from "./record-spool.ts";
import { requireBackups } from "./source-mark.ts";
import { StoredBlobs } from "./stored-blobs.ts";

const MAX_LISTED = 1000;

/** What is wrong in a store of backups. */
export interface BackupFault {
  kind: "snapshot" | "missing" | "size" | "damaged" | "unread";
  /** The first snapshot that is concerned. */
  snapshot: string;
  /** The first repository of it. */
  repository?: string;
  digest?: Digest;
  detail: string;
}

/** What a check of backups has found; the body of the JSON of `backup verify`. */
export interface VerifyBackupsReport {
  schemaVersion: 1;
  command: "backup verify";
  backup: string;
  snapshots: { id: string; isSound: boolean }[];
  blobs: { files: number; bytes: number };
  /** Those that were read and hashed. */
  hashed: { files: number; bytes: number };
  /** The first thousand. */
  faults: BackupFault[];
  faultCount: number;
  /** Blobs that could not be read, so that nothing is known of them. */
  uncheckedCount: number;
  seconds: number;
}

/** Options of {@link verifyBackups}. */
export interface VerifyBackupsOptions {
  /** None: all. */
  snapshots: readonly SnapshotId[];
  /** So many of a hundred blobs are read and hashed, by chance; undefined: none. */
  checksumPercent: number | undefined;
  concurrency: number;
}

/** What {@link verifyBackups} works with. */
export interface VerifyBackupsDependencies {
  backup: StorageDriver;
  nowMs: () => number;
  /** From 0 to 1. */
  random: () => number;
  signal: AbortSignal;
  onProgress: (progress: { snapshots: number; blobs: number; hashedBytes: number }) => void;
}

/** Looks whether all that snapshots name is there, in its size; with checksums also whether its bytes are what its name says. */
export async function verifyBackups(
  dependencies: VerifyBackupsDependencies,
  options: VerifyBackupsOptions,
): Promise<VerifyBackupsReport> {
  await requireBackups(dependencies.backup);
  return new Verifying(dependencies, options).run();
}

interface NamedBlob {
  digest: Digest;
  snapshot: SnapshotId;
  repository: string;
}

class Verifying {
  readonly #dependencies: VerifyBackupsDependencies;
  readonly #options: VerifyBackupsOptions;
  readonly #seen = new Map<Digest, boolean>();
  readonly #report: VerifyBackupsReport;

  constructor(dependencies: VerifyBackupsDependencies, options: VerifyBackupsOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#report = {
      ...{ schemaVersion: 1, command: "backup verify", backup: dependencies.backup.location, snapshots: [] },
      ...{ blobs: { files: 0, bytes: 0 }, hashed: { files: 0, bytes: 0 } },
      ...{ faults: [], faultCount: 0, uncheckedCount: 0, seconds: 0 },
    };
  }

  async run(): Promise<VerifyBackupsReport> {
    const { backup, nowMs, signal } = this.#dependencies;
    const startedMs = nowMs();
    const { snapshots } = this.#options;
    const ids = snapshots.length > 0 ? snapshots : await listSnapshotIds(backup);
    // After the snapshots, so that none is newer than the list of blobs.
    const stored = await StoredBlobs.list(backup, signal);
    for (const id of ids) await this.#checkSnapshot(id, stored);
    this.#report.seconds = (nowMs() - startedMs) / 1000;
    return this.#report;
  }

  async #checkSnapshot(id: SnapshotId, stored: StoredBlobs): Promise<void> {
    const before = this.#report.faultCount;
    let isSound = true;
    try {
      const waiting = new RecordSpool();
      const { header } = await readSnapshot(
        this.#dependencies.backup,
        id,
        (record) => void waiting.push(record),
        this.#dependencies.signal,
      );
      for (const [, record] of waiting.entries()) {
        const layers = header.metadataOnly ? [] : record.layers;
        const blobs = [
          ...record.manifests,
          ...layers.map(({ storedAs, sizeBytes }) => ({ digest: storedAs, sizeBytes })),
        ];
        await forEachConcurrently(blobs, this.#options.concurrency, async ({ digest, sizeBytes }) => {
          const named = { digest, snapshot: id, repository: record.name };
          if (!(await this.#checkBlob(named, sizeBytes, stored))) isSound = false;
        });
      }
    } catch (error) {
      if (error instanceof PathNotFoundError) return;
      if (!(error instanceof InvalidSnapshotError)) throw error;
      this.#fault({ kind: "snapshot", snapshot: id, detail: `it cannot be used: ${error.reason}` });
    }
    this.#report.snapshots.push({ id, isSound: isSound && this.#report.faultCount === before });
    this.#tick();
  }

  /** Each blob is looked at once. */
  async #checkBlob(blob: NamedBlob, said: number, stored: StoredBlobs): Promise<boolean> {
    const { digest } = blob;
    if (this.#dependencies.signal.aborted) throw new CancelledError();
    const known = this.#seen.get(digest);
    if (known !== undefined) return known;
    this.#seen.set(digest, true);
    const sizeBytes = await stored.sizeOf(digest);
    let isSound = false;
    if (sizeBytes === undefined) this.#fault({ ...blob, kind: "missing", detail: "it is not in the backup" });
    else if (said >= 0 && said !== sizeBytes)
      this.#fault({ ...blob, kind: "size", detail: `it has ${sizeBytes} bytes instead of ${said}` });
    else {
      this.#report.blobs.files++;
      this.#report.blobs.bytes += sizeBytes;
      isSound = !this.#isChosen() || (await this.#hash(blob));
    }
    this.#seen.set(digest, isSound);
    this.#tick();
    return isSound;
  }

  #isChosen(): boolean {
    const { checksumPercent = 0 } = this.#options;
    return checksumPercent >= 100 || this.#dependencies.random() * 100 < checksumPercent;
  }

  async #hash(blob: NamedBlob): Promise<boolean> {
    const { backup, signal } = this.#dependencies;
    const { digest } = blob;
    const algorithm = digestAlgorithm(digest);
    const hash = createHash(algorithm);
    let bytes = 0;
    try {
      for await (const chunk of readChunks(backup, blobDataPath(digest), signal)) {
        hash.update(chunk);
        bytes += chunk.length;
      }
    } catch (error) {
      if (!(error instanceof StorageUnavailableError) || signal.aborted) throw error;
      this.#fault({ ...blob, kind: "unread", detail: messageOf(error) });
      return false;
    }
    this.#report.hashed.files++;
    this.#report.hashed.bytes += bytes;
    const actual = digestFromHex(algorithm, hash.digest("hex"));
    if (actual === digest) return true;
    this.#fault({ ...blob, kind: "damaged", detail: `its ${bytes} bytes have the digest ${actual}` });
    return false;
  }

  #fault(fault: BackupFault): void {
    const { faults } = this.#report;
    if (fault.kind === "unread") this.#report.uncheckedCount++;
    else this.#report.faultCount++;
    if (faults.length < MAX_LISTED) faults.push(fault);
  }

  #tick(): void {
    const { snapshots, blobs, hashed } = this.#report;
    this.#dependencies.onProgress({
      snapshots: snapshots.length,
      blobs: blobs.files,
      hashedBytes: hashed.bytes,
    });
  }
}
