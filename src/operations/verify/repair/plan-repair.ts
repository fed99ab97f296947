import { CancelledError } from "../../../errors.ts";
import { forEachConcurrently } from "../../../lib/for-each-concurrently.ts";
import { messageOf } from "../../../lib/message-of.ts";
import { type Digest, digestAlgorithm, isDigest } from "../../../oci/digest.ts";
import { blobDataPath, classifyPath, layerLinkPath, revisionLinkPath } from "../../../registry/paths.ts";
import { fileSizeBytes } from "../../../registry/small-file.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { compareKeys } from "../../../storage/key-order.ts";
import type { Damage } from "../damage.ts";
import { FileDigests } from "../file-digests.ts";
import type { BlobSource } from "./blob-source.ts";
import type { BlobDamage, DamageLog } from "./damage-log.ts";
import { type LeftDamage, REPAIR_KINDS, type RepairPlan, type RepairStep } from "./repair-step.ts";
import { isSoundManifest } from "./sound-manifest.ts";
import { lookAtTag } from "./unreadable-tags.ts";

/** So many blobs are hashed, or asked for elsewhere, at a time. */
const BLOBS_AT_ONCE = 4;

/** What {@link planRepair} works with. */
export interface PlanParts {
  driver: StorageDriver;
  /** Undefined: nothing can be fetched. */
  source: BlobSource | undefined;
  concurrency: number;
  signal: AbortSignal | undefined;
  /**
   * Something could not be looked at: then nobody knows what may be needed, and nothing is removed.
   */
  sawEverything: boolean;
  /** What was tried before and failed, by path: it is not tried again. */
  failed: ReadonlySet<string>;
}

/**
 * Decides what is done about what a verification has found wrong. Only what is certain is done: a link is written where
 * its path, or its own text, says what it should be; a link is removed only where it leads to nothing, no manifest of its
 * repository needs it, and all of them could be read.
 *
 * @throws {CancelledError} when the signal is aborted
 */
export async function planRepair(damages: DamageLog, parts: PlanParts): Promise<RepairPlan> {
  return new RepairPlanner(damages, parts).plan();
}

class RepairPlanner {
  readonly #damages: DamageLog;
  readonly #parts: PlanParts;
  readonly #digests: FileDigests;
  readonly #steps = new Map<string, RepairStep>();
  readonly #left: LeftDamage[] = [];
  readonly #tags: RepairPlan["tags"] = [];
  /** Tags whose history may be all that tells what they were, as `repository:tag`. */
  readonly #unreadableTags = new Set<string>();

  constructor(damages: DamageLog, parts: PlanParts) {
    this.#damages = damages;
    this.#parts = parts;
    this.#digests = new FileDigests(parts.driver, { signal: parts.signal, onBytes: () => undefined });
  }

  async plan(): Promise<RepairPlan> {
    const { blobs, others, isFull } = this.#damages;
    await forEachConcurrently(blobs.values(), BLOBS_AT_ONCE, (damage) => this.#planBlob(damage));
    for (const damage of others) {
      if (this.#parts.signal?.aborted) throw new CancelledError();
      if (damage.kind === "link") await this.#planLink(damage);
    }
    for (const damage of others) await this.#planLayerOrRevision(damage);
    for (const damage of others) this.#planRemoval(damage);
    const steps = [...this.#steps.values()].sort(
      (a, b) => REPAIR_KINDS.indexOf(a.kind) - REPAIR_KINDS.indexOf(b.kind) || compareKeys(a.path, b.path),
    );
    return {
      steps,
      left: this.#left.sort((a, b) => compareTexts(a.path ?? a.message, b.path ?? b.message)),
      tags: this.#tags,
      isIncomplete: isFull,
    };
  }

  async #planBlob(damage: BlobDamage): Promise<void> {
    const { driver, source, signal } = this.#parts;
    const { digest, isManifest, repositories } = damage;
    const path = blobDataPath(digest);
    const what = `${isManifest ? "manifest" : "blob"} ${digest}`;
    const [repository = ""] = repositories;
    const leave = (message: string, hint?: string): void =>
      void this.#left.push({ path, digest, repository, message, ...(hint ? { hint } : {}) });
    try {
      const wasBytes = await fileSizeBytes(driver, path);
      const problem = await this.#problemOf(damage, wasBytes);
      if (problem === "sound") {
        return leave(
          isManifest
            ? `${what} has the right bytes, and cannot be understood`
            : `${what} has the right bytes, and manifests say ${damage.sizeBytes ?? "another number of"} bytes`,
          "it was pushed like that: push what needs it again",
        );
      }
      const state = problem === "missing" ? "is not stored" : "is damaged";
      if (this.#parts.failed.has(path)) return leave(`${what} ${state}, and could not be fetched`);
      if (source === undefined) {
        return leave(
          `${what} ${state}`,
          "name with --from a store or registry that has it, or push it again",
        );
      }
      const wanted = { digest, isManifest, repositories, sizeBytes: damage.sizeBytes };
      const found = await source.lookFor(wanted, signal);
      if (found === undefined) return leave(`${what} ${state}, and ${source.name} does not have it`);
      const sizeBytes = found.sizeBytes ?? damage.sizeBytes;
      if (damage.sizeBytes !== undefined && sizeBytes !== damage.sizeBytes) {
        return leave(
          `${what} ${state}; it has ${damage.sizeBytes} bytes as its manifest says, and ${sizeBytes} in ${source.name}`,
        );
      }
      const reason = `${what} ${state}; ${source.name} has it`;
      const step = { path, digest, sizeBytes, isManifest, repositories, wasBytes, reason };
      this.#steps.set(path, { kind: "fetch-blob", ...step });
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      leave(`${what} cannot be repaired: ${messageOf(error)}`);
    }
  }

  async #problemOf(
    { digest }: BlobDamage,
    stored: number | undefined,
  ): Promise<"missing" | "damaged" | "sound"> {
    if (stored === undefined) return "missing";
    const actual = await this.#digests.of(blobDataPath(digest), digestAlgorithm(digest), stored);
    if (actual === undefined) return "missing";
    return actual === digest ? "sound" : "damaged";
  }

  async #planLink({ path, text, repository }: Extract<Damage, { kind: "link" }>): Promise<void> {
    const entry = classifyPath(path);
    const trimmed = text.trim();
    if (entry.kind === "tagLink") {
      if (isDigest(trimmed)) {
        const reason = "the tag's link has white space around its digest";
        this.#write({ kind: "rewrite-link", path, digest: trimmed, was: text, reason });
        return;
      }
      this.#unreadableTags.add(`${entry.repository}:${entry.tag}`);
      this.#tags.push(await lookAtTag(this.#parts.driver, { ...entry, path, text }));
      return;
    }
    const isKnown =
      entry.kind === "layerLink" || entry.kind === "revisionLink" || entry.kind === "tagHistoryLink";
    if (!isKnown) return;
    const { digest } = entry;
    // The Go registry stores a layer that was pushed under a sha512 by its sha256, which no path tells.
    if (
      entry.kind === "layerLink" &&
      digestAlgorithm(digest) !== "sha256" &&
      !(await this.#isStored(digest))
    ) {
      this.#left.push({
        ...{ path, digest, repository },
        message: `link ${path} is damaged, and nothing tells under which digest its blob is stored`,
        hint: "push the image again",
      });
      return;
    }
    const reason = "the link does not say what its path says";
    this.#write({ kind: "rewrite-link", path, digest, was: text, reason });
  }

  async #isStored(digest: Digest): Promise<boolean> {
    return (await fileSizeBytes(this.#parts.driver, blobDataPath(digest))) !== undefined;
  }

  async #planLayerOrRevision(damage: Damage): Promise<void> {
    if (damage.kind !== "missing-layer-link" && damage.kind !== "missing-revision-link") return;
    const { repository, digest } = damage;
    const isLayer = damage.kind === "missing-layer-link";
    const path = isLayer ? layerLinkPath(repository, digest) : revisionLinkPath(repository, digest);
    // A damaged manifest is told by itself.
    const isThere = damage.isStored || this.#steps.has(blobDataPath(digest));
    if (!isThere) {
      const what = isLayer ? "a link to blob" : "a link to manifest";
      this.#left.push({
        ...{ path, digest, repository },
        message: `repository ${repository} lacks ${what} ${digest}, which is not stored`,
      });
      return;
    }
    const isFetched = this.#steps.has(blobDataPath(digest));
    if (!isLayer && !isFetched && !(await isSoundManifest(this.#parts.driver, digest))) {
      this.#left.push({
        ...{ path, digest, repository },
        message: `a tag or index of ${repository} points to ${digest}, which is stored and is no sound manifest`,
        hint: "push the tag again, or delete it",
      });
      return;
    }
    const reason = isLayer
      ? `a manifest of ${repository} needs the blob, and the repository has no link to it`
      : `a tag or index of ${repository} needs the manifest, and the repository has no link to it`;
    this.#write({ kind: "restore-link", path, digest, isRevision: !isLayer, reason });
  }

  #planRemoval(damage: Damage): void {
    const isLayer = damage.kind === "dangling-layer-link";
    if (!isLayer && damage.kind !== "dangling-history-link") return;
    const { path, digest, repository } = damage;
    const why = this.#whyKept(damage);
    if (why !== undefined) {
      this.#left.push({
        path,
        digest,
        repository,
        message: `link ${path} leads to nothing, and stays: ${why}`,
      });
      return;
    }
    const leadsTo = isLayer ? blobDataPath(digest) : revisionLinkPath(repository, digest);
    if (this.#steps.has(leadsTo)) return;
    // It may be damaged too; it is not worth writing then.
    this.#steps.delete(path);
    const reason = isLayer
      ? "the link leads to a blob that is not stored, and no manifest needs it"
      : "the history names a manifest that the repository does not have";
    this.#write({ kind: "remove-link", path, digest, leadsTo, reason });
  }

  #whyKept(damage: Extract<Damage, { path: string; digest: Digest }>): string | undefined {
    if (!this.#parts.sawEverything) return "not everything could be looked at";
    if (damage.kind === "dangling-layer-link" && this.#damages.doubtful.has(damage.repository)) {
      return `a manifest of ${damage.repository} cannot be read, and may need it`;
    }
    if (
      damage.kind === "dangling-history-link" &&
      this.#unreadableTags.has(`${damage.repository}:${damage.tag}`)
    ) {
      return "the tag cannot be read, and its history tells what it was";
    }
    return undefined;
  }

  #write(step: RepairStep): void {
    if (!this.#parts.failed.has(step.path)) {
      this.#steps.set(step.path, step);
      return;
    }
    this.#left.push({ path: step.path, digest: step.digest, message: `${step.path} could not be repaired` });
  }
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
