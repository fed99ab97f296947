import type { SyncResult } from "../../registry/copy/sync-result.ts";
import type { Held } from "../hold/hold-registry.ts";
import type { AgainstReport } from "../verify/against/against-report.ts";
import { type CopyDependencies, type CopySettings, copyRound } from "./copy-round.ts";
import { type RoundReport, roundReport } from "./migration-report.ts";
import { whileHeld } from "./watch-hold.ts";

/** What is done while a registry takes no writes. */
export interface HeldCopy {
  round: RoundReport;
  result: SyncResult;
  /** Undefined where something could not be copied. */
  comparison: AgainstReport | undefined;
  /** Both hold the same, and all of it can be pulled. */
  isSame: boolean;
}

/** Options of {@link copyHeld}. */
export interface HeldCopyOptions extends CopySettings {
  number: number;
  compare: (signal: AbortSignal) => Promise<AgainstReport>;
  onRound: (round: RoundReport) => void;
}

/**
 * Copies the last differences of a registry that takes no writes, removes what only the other store has, and compares both.
 *
 * @throws {RegistryStateError} if the registry takes writes meanwhile
 */
export function copyHeld(
  dependencies: CopyDependencies,
  held: Held,
  options: HeldCopyOptions,
): Promise<HeldCopy> {
  return whileHeld(held, dependencies.signal, async (signal) => {
    const { number, skipDamaged } = options;
    const copied = await copyRound(
      { ...dependencies, signal },
      { ...options, final: true, deleteExtra: true, resumes: false },
    );
    const { result } = copied;
    const round = roundReport(result, { number, resumed: false, final: true });
    options.onRound(round);
    const isWhole = isCopied(result, skipDamaged) && result.deletesHeldBack === undefined;
    if (!isWhole) return { round, result, comparison: undefined, isSame: false };
    const comparison = await options.compare(signal);
    return { round, result, comparison, isSame: isSame(comparison, skipDamaged ? result : undefined) };
  });
}

/** Tells whether nothing is left of a pass. */
export function isCopied({ failedCount, damagedCount }: SyncResult, skipDamaged: boolean): boolean {
  return failedCount === 0 && (damagedCount === 0 || skipDamaged);
}

/**
 * @param damaged - a pass whose damaged blobs are known to be missing at the target; undefined: none may be
 * @returns whether the target may take the source's place
 */
function isSame(
  { differenceCount, uncheckedCount, graph, complete, differences }: AgainstReport,
  damaged?: SyncResult,
): boolean {
  if (complete) return true;
  if (damaged === undefined || uncheckedCount > 0) return false;
  const known = new Set(damaged.damaged.map(({ path }) => path));
  const isKnown = differences.every(({ path }) => known.has(path)) && differenceCount === differences.length;
  return isKnown && (graph === undefined || graph.uncheckedCount === 0);
}
