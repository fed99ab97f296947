import { CancelledError } from "../../../errors.ts";
import type { ComparedFile } from "../../../registry/copy/compared-file.ts";
import { classifyPath } from "../../../registry/paths.ts";
import type { ScannedFile } from "../../../storage/abilities.ts";
import { MAX_LINK_BYTES } from "../link-texts.ts";
import type { UncheckedLog } from "../unchecked-log.ts";
import type { Difference, FolderCounts } from "./against-report.ts";
import type { BlobComparison } from "./blob-comparison.ts";
import { describeDifference } from "./describe-difference.ts";
import type { FailedFolders } from "./failed-folders.ts";
import type { SameManifests } from "./same-manifests.ts";
import { type Depth, type FileFacts, haveSameContent, type StoreSide } from "./store-side.ts";

/** So many differences are looked at once more before they are told: with more of them the stores are not alike at all. */
const MAX_SECOND_LOOKS = 10_000;

/** What has become of the comparison of one file. */
export interface FileOutcome {
  /** Where both are right there are none; a blob may differ and be damaged. */
  differences: Difference[];
  /** It differs, as the source has got or changed it lately. */
  isChanging: boolean;
}

/** What {@link FileComparison} works with. */
export interface FileComparisonParts {
  source: StoreSide;
  target: StoreSide;
  blobs: BlobComparison;
  unchecked: UncheckedLog;
  failed: FailedFolders;
  /** Undefined: nobody asks. */
  manifests: SameManifests | undefined;
  /** What the source changed at this time of its clock or later is no difference; undefined: everything counts. */
  asOfMs: number | undefined;
}

interface BothFacts {
  source?: FileFacts | undefined;
  target?: FileFacts | undefined;
}

/** Compares single files of two stores. */
export class FileComparison {
  readonly #parts: FileComparisonParts;
  #secondLooks = 0;

  constructor(parts: FileComparisonParts) {
    this.#parts = parts;
  }

  /**
   * Compares one file, as listings gave it, and counts it.
   *
   * @throws {CancelledError}
   */
  async compare(file: ComparedFile, counts: FolderCounts): Promise<FileOutcome> {
    const { path } = file;
    const entry = classifyPath(path);
    const depth: Depth = entry.kind === "blob" ? "size" : "content";
    const facts = await this.#factsOf(file, depth);
    if (facts === undefined) return { differences: [], isChanging: false };
    for (const side of ["source", "target"] as const) {
      const found = facts[side];
      if (!found) continue;
      counts[side].files++;
      counts[side].bytes += found.sizeBytes;
    }
    const { source, target } = facts;
    const found = describeDifference(path, source, target);
    const confirmed = found && (await this.#confirm(found, file, depth));
    const differences = confirmed ? [confirmed] : [];
    if (entry.kind === "revisionLink") this.#parts.manifests?.noteManifest(entry.digest);
    if (entry.kind === "blob") {
      const { digest } = entry;
      const { blobs, manifests } = this.#parts;
      const isOdd = confirmed?.kind === "size";
      if (source && target && !found) await manifests?.compareBlob(path, digest, target);
      let said = await this.#read("", path, () => blobs.check(path, digest, source, target));
      if (isOdd && said === undefined && source && target) {
        said = await this.#read("", path, () => blobs.judge(path, digest, source, target));
      }
      if (said && isOdd) confirmed.detail += `; ${said}`;
      else if (said) differences.push({ kind: "digest", path, detail: `blob ${digest}: ${said}` });
    }
    return { differences, isChanging: confirmed === null };
  }

  /** @returns undefined if one side cannot be looked at */
  async #factsOf({ path, source, target }: ComparedFile, depth: Depth): Promise<BothFacts | undefined> {
    const listed = async (side: StoreSide, file: ScannedFile | undefined) =>
      file && this.#look(side, path, () => side.listed(file, depth));
    const facts = {
      source: await listed(this.#parts.source, source),
      target: await listed(this.#parts.target, target),
    };
    if (facts.source === null || facts.target === null) return undefined;
    const both: BothFacts = { source: facts.source, target: facts.target };
    if (depth === "size" || !both.source || !both.target) return both;
    const isSmall = Math.max(both.source.sizeBytes, both.target.sizeBytes) <= MAX_LINK_BYTES;
    if (!isSmall || haveSameContent(both.source, both.target)) return both;
    return this.#readContents(path, both);
  }

  /** A difference in size of a link is told with what both say. */
  async #readContents(path: string, facts: BothFacts): Promise<BothFacts | undefined> {
    const read = async (side: StoreSide, known: FileFacts | undefined) =>
      known?.text === undefined ? this.#look(side, path, () => side.read(path)) : known;
    const source = await read(this.#parts.source, facts.source);
    const target = await read(this.#parts.target, facts.target);
    if (source === null || target === null) return undefined;
    return {
      source: source && { ...source, modifiedMs: facts.source?.modifiedMs },
      target: target && { ...target, modifiedMs: facts.target?.modifiedMs },
    };
  }

  /**
   * Looks at a file once more, as both stores may have changed since they were listed.
   *
   * @returns null if it differs only for now
   */
  async #confirm(
    found: Difference,
    file: ComparedFile,
    depth: Depth,
  ): Promise<Difference | null | undefined> {
    const { path } = found;
    const { asOfMs, failed, source: sourceSide, target: targetSide } = this.#parts;
    if (found.kind === "missing" && failed.has("target", path)) return undefined;
    if (found.kind === "extra" && failed.has("source", path)) return undefined;
    if (this.#secondLooks >= MAX_SECOND_LOOKS) {
      return this.#isLate(file.source?.modifiedMs, asOfMs) ? null : found;
    }
    this.#secondLooks++;
    const source = await this.#look(sourceSide, path, () => sourceSide.look(path, depth));
    const target = await this.#look(targetSide, path, () => targetSide.look(path, depth));
    if (source === null || target === null) return undefined;
    const still = describeDifference(path, source, target);
    if (still === undefined) return null;
    return this.#isLate(source?.modifiedMs, asOfMs) ? null : still;
  }

  #isLate(modifiedMs: number | undefined, asOfMs: number | undefined): boolean {
    return modifiedMs !== undefined && asOfMs !== undefined && modifiedMs >= asOfMs;
  }

  /** @returns null if it could not be looked at */
  #look<T>(side: StoreSide, path: string, work: () => Promise<T>): Promise<T | null> {
    return this.#read(` in the ${side.name}`, path, work);
  }

  async #read<T>(where: string, path: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      this.#parts.unchecked.add(`${path}${where}`, error);
      return null;
    }
  }
}
