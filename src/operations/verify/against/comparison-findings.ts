import { ROOT } from "../../../registry/paths.ts";
import { UncheckedLog } from "../unchecked-log.ts";
import type { ChecksumShare, VerifyReport } from "../verify-report.ts";
import type { AgainstProgress } from "./against-options.ts";
import type { AgainstReport, FolderCounts } from "./against-report.ts";
import { DifferenceLog } from "./difference-log.ts";
import { FailedFolders } from "./failed-folders.ts";
import type { FileOutcome } from "./file-comparison.ts";

/** What a report says beside what was found in files. */
export interface ComparisonFacts {
  /** Where the source stores. */
  store: string;
  /** Where the target stores. */
  against: string;
  /** The only repositories that were compared; empty: all were. */
  only: readonly string[];
  checksum: ChecksumShare | undefined;
  graph: VerifyReport | undefined;
  requests: { source?: Record<string, number>; target?: Record<string, number> };
  seconds: number;
}

/** What a comparison of two stores has found so far, in bounded memory. */
export class ComparisonFindings {
  readonly unchecked = new UncheckedLog();
  readonly failed = new FailedFolders();
  readonly warnings: string[] = [];
  readonly counts = {
    blobs: noFiles("blobs/"),
    repositories: noFiles("repositories/"),
    other: noFiles("other"),
  };
  phase: AgainstProgress["phase"] = "blobs";
  /** Bytes of blobs. */
  hashedBytes = 0;
  readonly #differences = new DifferenceLog();
  #files = 0;
  #changing = 0;

  /** Files that were compared. */
  get files(): number {
    return this.#files;
  }

  /** Nothing was found in which both differ, and all was looked at. */
  get isAlike(): boolean {
    return this.#differences.total + this.unchecked.total + this.#changing === 0;
  }

  /** A folder of one side that cannot be listed. */
  addFailure(side: "source" | "target", path: string, error: unknown): void {
    this.failed.add(side, path);
    this.unchecked.add(`${path} in the ${side}`, error);
  }

  /** Only what is below the registry's own folder has to be the same on both sides. */
  addFile(path: string, outcome: FileOutcome | undefined): void {
    this.#files++;
    if (outcome === undefined || !path.startsWith(`${ROOT}/`)) return;
    if (outcome.isChanging) this.#changing++;
    for (const difference of outcome.differences) this.#differences.add(difference);
  }

  /** To be called when all of both stores was compared. */
  warnOfEmptySides(): void {
    const all = Object.values(this.counts);
    for (const side of ["source", "target"] as const) {
      if (all.some((counts) => counts[side].files > 0)) continue;
      this.warnings.push(`there is nothing in the ${side}: is it mounted?`);
    }
  }

  /** @param path - the file that was looked at last */
  progress(path?: string): AgainstProgress {
    const { phase, files, hashedBytes } = this;
    const differences = this.#differences.total;
    return { phase, files, differences, hashedBytes, ...(path === undefined ? {} : { path }) };
  }

  report({ store, against, only, checksum, graph, requests, seconds }: ComparisonFacts): AgainstReport {
    const { blobs, repositories, other } = this.counts;
    const differenceCount = this.#differences.total;
    return {
      schemaVersion: 1,
      command: "verify",
      ...{ store, against },
      complete: differenceCount === 0 && this.unchecked.total === 0 && graph?.complete !== false,
      ...(only.length > 0 ? { onlyRepositories: only } : {}),
      counts: [blobs, repositories, ...(only.length > 0 ? [] : [other])],
      differenceCount,
      differencesByKind: this.#differences.byKind(),
      differences: this.#differences.first,
      changing: this.#changing,
      ...(checksum ? { checksum } : {}),
      ...(graph ? { graph } : {}),
      uncheckedCount: this.unchecked.total,
      unchecked: this.unchecked.first,
      warnings: this.warnings,
      ...(Object.keys(requests).length > 0 ? { requests } : {}),
      seconds,
    };
  }
}

function noFiles(folder: string): FolderCounts {
  return { folder, source: { files: 0, bytes: 0 }, target: { files: 0, bytes: 0 } };
}
