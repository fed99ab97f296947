import { messageOf } from "../../lib/message-of.ts";
import { printable } from "../../lib/printable.ts";
import type { Held } from "../../operations/hold/hold-registry.ts";
import { copyHeld, type HeldCopy } from "../../operations/migrate/cut-over.ts";
import type { MigrationReport } from "../../operations/migrate/migration-report.ts";
import type { MigrationPhase } from "../../state/migration-record.ts";
import { finish, since } from "./copy-and-report.ts";
import { renderRound } from "./render-report.ts";
import { compare, copyDependencies, copySettings, type MigrationSession } from "./session.ts";

/** What follows the last copy. */
export interface AfterCopy {
  /** What the move is again when the registry stays where it is. */
  otherwise: MigrationPhase;
  /** Called while the registry takes no writes, if both stores hold the same. */
  onSame?: () => Promise<void>;
}

/** Copies what is left while the registry takes no writes, and compares. It is released unless both stores hold the same. */
export async function copyLast(
  session: MigrationSession,
  held: Held,
  { otherwise, onSame }: AfterCopy,
): Promise<HeldCopy> {
  const { context, flags, journal, locks, rounds } = session;
  const progress = context.progress("copying the last differences; the registry takes no writes", flags);
  let isSame = false;
  try {
    const copied = await copyHeld(copyDependencies(session, progress), held, {
      ...copySettings(session),
      number: rounds.length + 1,
      compare: (signal) => {
        progress.stop();
        return compare(session, { isHeld: true, signal });
      },
      onRound: (round) => {
        rounds.push(round);
        context.notice(renderRound(round), flags);
      },
    });
    if (copied.isSame) await onSame?.();
    isSame = copied.isSame;
    return copied;
  } finally {
    progress.stop();
    if (!isSame) {
      const warn = (problem: unknown): void =>
        void context.stderr.write(`warning: ${printable(messageOf(problem))}\n`);
      await locks.release();
      await held.release().catch(warn);
      // What has gone wrong may be that nothing can be remembered any more.
      try {
        journal.update({ phase: otherwise });
      } catch (problem) {
        warn(problem);
      }
    }
  }
}

/** Prints what came of a last copy after which the registry stays where it is. */
export function reportNotSame(
  session: MigrationSession,
  { comparison, result }: HeldCopy,
  { base, startedMs, next }: { base: Base; startedMs: number; next: string },
): void {
  finish(session, {
    ...{ ...base, damaged: result.damaged, failed: result.failed },
    ...(comparison === undefined ? {} : { comparison }),
    outcome: comparison === undefined ? "incomplete" : "different",
    ...{ next: [next], seconds: since(startedMs) },
  });
}

type Base = Omit<MigrationReport, "outcome" | "next" | "seconds">;
