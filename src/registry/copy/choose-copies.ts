import { RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { blobDataPath, repositoryPath } from "../paths.ts";
import type { ComparedFile } from "./compared-file.ts";
import { type CopyJob, runCopyJob } from "./copy-job.ts";
import type { HeldCause } from "./held-files.ts";
import { isSameFile, type KnownFile, knownFile } from "./look-at-file.ts";
import type { LowWater } from "./low-water.ts";
import { RepositoryGate } from "./repository-gate.ts";
import { addFailure, addFile, addToStore } from "./sync-counts.ts";
import type { SyncSession } from "./sync-session.ts";
import { type SyncedFile, syncedFileAt } from "./synced-file.ts";

/** Looks at what two stores have, file by file in key order, and has copied what is to be copied. */
export class CopyChoice {
  readonly #session: SyncSession;
  readonly #lowWater: LowWater;
  #gate: RepositoryGate | undefined;

  /** @param lowWater - told of what is done */
  constructor(session: SyncSession, lowWater: LowWater) {
    this.#session = session;
    this.#lowWater = lowWater;
  }

  /** Synchronous where both stores tell what is asked of them without a request. */
  look(compared: ComparedFile): void | Promise<void> {
    const { source, target } = this.#session;
    const synced = syncedFileAt(compared.path);
    if (synced === undefined) {
      this.#lowWater.passed(compared.path);
      return;
    }
    try {
      const ofSource = compared.source && knownFile(source, compared.source);
      const ofTarget = compared.target && knownFile(target, compared.target);
      if (!(ofSource instanceof Promise || ofTarget instanceof Promise)) {
        this.#choose(compared, synced, ofSource, ofTarget);
        return;
      }
      return Promise.all([ofSource, ofTarget]).then(
        ([left, right]) => this.#choose(compared, synced, left, right),
        (error: unknown) => this.#noteUnknown(compared, synced, error),
      );
    } catch (error) {
      this.#noteUnknown(compared, synced, error);
    }
  }

  /** A file that cannot be looked at. */
  #noteUnknown({ path }: ComparedFile, synced: SyncedFile, error: unknown): void {
    if (!(error instanceof RegistryCtlError)) throw error;
    addFailure(this.#session.result, path, messageOf(error));
    this.#session.holdBack(synced, this.#gateOf(synced), "failed");
    this.#lowWater.begin(path);
  }

  #choose(
    compared: ComparedFile,
    synced: SyncedFile,
    source: KnownFile | undefined,
    target: KnownFile | undefined,
  ): void {
    const session = this.#session;
    const { result } = session;
    session.path = compared.path;
    if (target) addToStore(result.target, synced.kind, target);
    if (source) {
      addToStore(result.source, synced.kind, source);
      this.#chooseForSource(synced, source, target);
      return;
    }
    // What was listed a moment ago and is gone may be a disk that is: it is no reason to remove anything.
    if (compared.source) result.vanished++;
    else if (target && session.options.deleteExtra)
      session.extra.add(synced.kind, { path: target.path, sizeBytes: target.sizeBytes });
    this.#lowWater.passed(compared.path);
  }

  #chooseForSource(synced: SyncedFile, source: KnownFile, target: KnownFile | undefined): void {
    const session = this.#session;
    const { result, options } = session;
    const isSame = target !== undefined && isSameFile(session, synced, source, target);
    if (isSame === true) {
      addFile(result.same, source.sizeBytes);
      this.#lowWater.passed(source.path);
      return;
    }
    const gate = this.#gateOf(synced);
    const isYoung = options.asOfMs !== undefined && source.modifiedMs >= options.asOfMs;
    const cause = this.#causeToHold(synced, isYoung);
    if (cause !== undefined) {
      // Manifests that have been there for as long as the link may need the layer.
      if (synced.kind === "layer" && !isYoung && cause !== "damaged" && gate) gate.isBroken = true;
      this.#hold(synced, cause, source, target);
      return;
    }
    const isLink = synced.kind === "layer" || synced.kind === "revision";
    const isBlobUnsure = isLink && synced.digest && session.unlisted.concern(blobDataPath(synced.digest));
    const needsBlob = isYoung ? "young" : isBlobUnsure ? "unlisted" : undefined;
    const lowWater = this.#lowWater;
    const work = lowWater.begin(source.path);
    this.#enqueue({ synced, file: source, target, gate, needsBlob, lowWater, work });
  }

  /**
   * A young layer link is copied if its blob is at the target: clients write links of layers again that have long been
   * there, and old manifests need them.
   *
   * @returns undefined if the file may be copied
   */
  #causeToHold({ kind, digest, repository }: SyncedFile, isYoung: boolean): HeldCause | undefined {
    const { held, options } = this.#session;
    if (isYoung && kind !== "layer") return "left";
    if (digest === undefined || kind === "blob") return undefined;
    const cause =
      kind === "history" && repository !== undefined ? held.revision(repository, digest) : held.blob(digest);
    return cause === "damaged" && options.skipDamaged ? undefined : cause;
  }

  #hold(
    { kind, digest, repository }: SyncedFile,
    cause: HeldCause,
    source: KnownFile,
    target: KnownFile | undefined,
  ): void {
    const { held, result } = this.#session;
    addFile(cause === "left" ? result.left : result.withheld, source.sizeBytes);
    if (kind === "blob" && digest) held.holdBlob(digest, cause);
    if (kind === "revision" && digest && repository !== undefined)
      held.holdRevision(repository, digest, cause);
    if (kind === "tag" && target) held.holdStaleTag();
    this.#lowWater.passed(source.path);
  }

  #enqueue(job: CopyJob): void {
    const session = this.#session;
    const { sizeBytes } = job.file;
    const run = (): Promise<boolean> => runCopyJob(session, job);
    session.queue.add({ sizeBytes, gate: job.gate, isTag: job.synced.isBelowTags, run });
  }

  #gateOf({ repository }: SyncedFile): RepositoryGate | undefined {
    if (repository === undefined) return undefined;
    if (this.#gate?.name !== repository)
      this.#gate = new RepositoryGate(repository, repositoryPath(repository));
    return this.#gate;
  }
}
