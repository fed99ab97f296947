import { type Digest, digestAlgorithm } from "../../../oci/digest.ts";
import { isRemote } from "../../../registry/remote-store.ts";
import { Semaphore } from "../../../storage/wrappers/limit/semaphore.ts";
import { FileDigests } from "../file-digests.ts";
import type { ChecksumShare } from "../verify-report.ts";
import type { AgainstOptions } from "./against-options.ts";
import type { FileFacts, StoreSide } from "./store-side.ts";

/** So many files of a disk are hashed at a time: while one is, the next pieces of the others are under way. */
const FILES_AT_ONCE = 4;
/** The same where each takes a request, which is waited for. */
const REQUESTS_AT_ONCE = 16;
/** Of blobs that differ in size these are hashed without being asked for: what is wrong is worth so much to know. */
const SMALL_BYTES = 4 * 1024 * 1024;

/** What {@link BlobComparison} needs. */
export interface BlobComparisonOptions
  extends Pick<AgainstOptions, "checksumPercent" | "hashesSource" | "rotation"> {
  random: () => number;
  signal: AbortSignal | undefined;
  onBytes: (bytes: number) => void;
}

/** Hashes blobs of two stores: a share of those at the target, and what is needed to say which side is wrong. */
export class BlobComparison {
  readonly #options: BlobComparisonOptions;
  readonly #source: BlobReader;
  readonly #target: BlobReader;
  readonly #share: ChecksumShare;

  constructor(source: StoreSide, target: StoreSide, options: BlobComparisonOptions) {
    this.#options = options;
    this.#source = new BlobReader(source, options);
    this.#target = new BlobReader(target, options);
    this.#share = { percent: options.checksumPercent ?? 0, blobs: 0, bytes: 0, ofBlobs: 0, ofBytes: 0 };
  }

  /** What was hashed at the target; undefined if that was not asked for. */
  get share(): ChecksumShare | undefined {
    return this.#options.checksumPercent ? this.#share : undefined;
  }

  /**
   * Hashes a blob if it is its turn.
   *
   * @returns what is to be said of its bytes if they are wrong on any side; undefined if they are right, or were not read
   * @throws {StorageUnavailableError}
   */
  async check(
    path: string,
    digest: Digest,
    source: FileFacts | undefined,
    target: FileFacts | undefined,
  ): Promise<string | undefined> {
    if (!this.#options.checksumPercent) return undefined;
    if (target) {
      this.#share.ofBlobs++;
      this.#share.ofBytes += target.sizeBytes;
    }
    if (!this.#isChosen(digest)) return undefined;
    const atTarget = target && (await this.#target.verdict(path, digest, target));
    if (target && atTarget !== undefined) {
      this.#share.blobs++;
      this.#share.bytes += target.sizeBytes;
    }
    const wantsSource = this.#options.hashesSource || (atTarget !== undefined && !atTarget.isRight);
    const atSource = source && wantsSource ? await this.#source.verdict(path, digest, source) : undefined;
    if (atTarget?.isRight !== false && atSource?.isRight !== false) return undefined;
    return [atSource, atTarget].flatMap((verdict) => verdict?.text ?? []).join("; ");
  }

  /** @returns which side of a blob is wrong whose sizes differ; undefined if finding out would take long */
  async judge(
    path: string,
    digest: Digest,
    source: FileFacts,
    target: FileFacts,
  ): Promise<string | undefined> {
    if (Math.max(source.sizeBytes, target.sizeBytes) > SMALL_BYTES) return undefined;
    const verdicts = [
      await this.#source.verdict(path, digest, source),
      await this.#target.verdict(path, digest, target),
    ];
    return verdicts.flatMap((verdict) => verdict?.text ?? []).join("; ");
  }

  #isChosen(digest: Digest): boolean {
    const { rotation, random, checksumPercent = 0 } = this.#options;
    return rotation ? rotation.takes(digest) : random() * 100 < checksumPercent;
  }
}

/** What hashing has told of one side. */
interface Verdict {
  isRight: boolean;
  text: string;
}

class BlobReader {
  readonly #name: string;
  readonly #digests: FileDigests;
  readonly #slots: Semaphore;

  constructor({ name, driver }: StoreSide, options: BlobComparisonOptions) {
    this.#name = name;
    this.#digests = new FileDigests(driver, options);
    this.#slots = new Semaphore(isRemote(driver) ? REQUESTS_AT_ONCE : FILES_AT_ONCE);
  }

  /** @returns undefined if the file is gone by now */
  async verdict(path: string, digest: Digest, { sizeBytes }: FileFacts): Promise<Verdict | undefined> {
    const actual = await this.#slots.run(() => this.#digests.of(path, digestAlgorithm(digest), sizeBytes));
    if (actual === undefined) return undefined;
    const isRight = actual === digest;
    const text = isRight
      ? `the ${this.#name} has the right bytes`
      : `the bytes of the ${this.#name} have the digest ${actual}`;
    return { isRight, text };
  }
}
