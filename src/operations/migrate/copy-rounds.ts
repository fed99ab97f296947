import type { SyncResult } from "../../registry/copy/sync-result.ts";
import { pause } from "../readonly/registry-facts.ts";
import { type CopyDependencies, type CopySettings, copyRound, unfinishedRound } from "./copy-round.ts";
import { type RoundReport, roundReport } from "./migration-report.ts";

/** More do not make the rest smaller. */
const MAX_ROUNDS = 10;
/** A round that copied less than this part of all files leaves little. */
const SMALL_SHARE = 0.01;
/** So does one that took no longer. */
const SHORT_SECONDS = 60;

/** What a round has left out is old enough for another one after so long; where clients push all the time, something always is left. */
const SETTLE_MS = 2500;
const MAX_SETTLING = 3;

/** What came of copying beside a registry that serves. */
export interface CopiedRounds {
  rounds: RoundReport[];
  /** Of the last one. */
  last: SyncResult;
  /** What the source has got since is not at the target. */
  asOfMs: number;
}

/** Options of {@link copyRounds}. */
export interface RoundsOptions extends CopySettings {
  deleteExtra: boolean;
  onRound: (round: RoundReport) => void;
}

/**
 * Copies while the registry serves, again and again until a round has found little. It stops early where something could not be copied: another
 * round would not copy it either.
 */
export async function copyRounds(
  dependencies: CopyDependencies,
  options: RoundsOptions,
): Promise<CopiedRounds> {
  const { journal } = dependencies;
  const rounds: RoundReport[] = [];
  const unfinished = journal.record.phase === "copying" ? unfinishedRound(journal) : undefined;
  journal.update({ phase: "copying" });
  let settled = 0;
  for (let number = unfinished?.number ?? 1; ; number++) {
    const resumes = unfinished !== undefined && rounds.length === 0;
    const { result, asOfMs } = await copyRound(dependencies, { ...options, number, final: false, resumes });
    const report = roundReport(result, { number, resumed: resumes, final: false });
    rounds.push(report);
    options.onRound(report);
    const isSmall =
      !resumes && (result.copied.files < result.source.files * SMALL_SHARE || result.seconds < SHORT_SECONDS);
    const isStuck = result.failedCount > 0 || (result.damagedCount > 0 && !options.skipDamaged);
    const isLast = isStuck || rounds.length >= MAX_ROUNDS;
    if (!isLast && isSmall && result.left.files > 0 && settled < MAX_SETTLING) {
      settled++;
      await pause(SETTLE_MS, dependencies.signal);
      continue;
    }
    if (isLast || isSmall) {
      if (!isStuck) journal.update({ phase: "copied" });
      return { rounds, last: result, asOfMs };
    }
  }
}
