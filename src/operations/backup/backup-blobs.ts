import type { Digest } from "../../oci/digest.ts";
import { blobDataPath } from "../../registry/paths.ts";
import { fileSizeBytes } from "../../registry/small-file.ts";
import { BlobCopier, type BlobOutcome, type WantedBlob } from "./copy-blobs.ts";
import type { CreateDependencies, CreateOptions } from "./create-backup.ts";
import type { SnapshotRepository } from "./snapshot-records.ts";
import type { StoredBlobs } from "./stored-blobs.ts";

/** What the store of backups has of the blobs of a registry, and what becomes of those that it lacks. */
export class BackupBlobs {
  readonly stored: StoredBlobs;
  readonly copied = { files: 0, bytes: 0 };
  readonly #dependencies: CreateDependencies;
  readonly #options: CreateOptions;
  readonly #onProgress: () => void;
  readonly #copier: BlobCopier;
  readonly #bad = new Map<Digest, { kind: "damaged" | "failed"; detail: string }>();
  #vanished = new Set<Digest>();
  readonly #storing = new Map<Digest, Promise<void>>();
  #waiting = 0;

  /** @param onProgress - told behind each blob */
  constructor(
    dependencies: CreateDependencies,
    options: CreateOptions,
    stored: StoredBlobs,
    onProgress: () => void,
  ) {
    const { source, backup, signal } = dependencies;
    const { concurrency, spend } = options;
    this.stored = stored;
    this.#dependencies = dependencies;
    this.#options = options;
    this.#onProgress = onProgress;
    this.#copier = new BlobCopier(source, backup, { signal, concurrency, spend });
  }

  /** How many are still to be copied. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Blobs that the registry had and has no more; from now on only those that are found missing later are among them. */
  takeVanished(): ReadonlySet<Digest> {
    const vanished = this.#vanished;
    this.#vanished = new Set();
    return vanished;
  }

  /** Why a blob was not copied; undefined: it was, or the registry does not have it. */
  whyBad(digest: Digest): { kind: "damaged" | "failed"; detail: string } | undefined {
    return this.#bad.get(digest);
  }

  /** Stores the bytes of a manifest; the same one may be in many repositories. */
  async store(digest: Digest, bytes: Uint8Array): Promise<void> {
    let storing = this.#storing.get(digest);
    if (storing === undefined) {
      storing = this.#storeOnce(digest, bytes).finally(() => this.#storing.delete(digest));
      this.#storing.set(digest, storing);
    }
    await storing;
  }

  /** Adds the configs and layers of a repository that the backup lacks. */
  async addWanted({ layers }: SnapshotRepository, wanted: Map<Digest, WantedBlob>): Promise<void> {
    for (const { storedAs: digest, sizeBytes } of layers) {
      if (wanted.has(digest) || this.#bad.has(digest) || this.#vanished.has(digest)) continue;
      if (!(await this.#isStored(digest, sizeBytes))) wanted.set(digest, { digest, sizeBytes });
    }
  }

  /** Copies configs and layers, as far as that is possible. */
  async copy(wanted: ReadonlyMap<Digest, WantedBlob>): Promise<void> {
    this.#waiting = wanted.size;
    this.#onProgress();
    await this.#copier.copyAll(wanted.values(), ({ digest }, outcome) => {
      this.#waiting--;
      this.#note(digest, outcome);
      this.#onProgress();
    });
  }

  async #storeOnce(digest: Digest, bytes: Uint8Array): Promise<void> {
    if ((await this.stored.sizeOf(digest)) === bytes.length) return;
    await this.#options.spend?.(bytes.length);
    await this.#dependencies.backup.put(blobDataPath(digest), bytes);
    this.#add(digest, bytes.length);
  }

  /** @param said - how many bytes manifests say, which may be wrong: then the registry's own blob decides; -1 if they do not */
  async #isStored(digest: Digest, said: number): Promise<boolean> {
    const sizeBytes = await this.stored.sizeOf(digest);
    if (sizeBytes === undefined || said < 0 || sizeBytes === said) return sizeBytes !== undefined;
    if ((await fileSizeBytes(this.#dependencies.source, blobDataPath(digest))) === sizeBytes) return true;
    this.stored.forget(digest);
    return false;
  }

  #note(digest: Digest, outcome: BlobOutcome): void {
    switch (outcome.kind) {
      case "copied":
        this.#add(digest, outcome.sizeBytes);
        break;
      case "vanished":
        this.#vanished.add(digest);
        break;
      case "damaged":
        this.#bad.set(digest, { kind: "damaged", detail: outcome.why });
        break;
      case "failed":
        this.#bad.set(digest, outcome);
        break;
    }
  }

  #add(digest: Digest, sizeBytes: number): void {
    this.stored.add(digest, sizeBytes);
    this.copied.files++;
    this.copied.bytes += sizeBytes;
  }
}
