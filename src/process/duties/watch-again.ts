import { readFileSync } from "node:fs";
import type { KeptDuty } from "../../state/duties.ts";
import { endDutyAt } from "./watch-duty.ts";

/**
 * After a reboot, has duties ended at their time again: who was to do that has ended with the machine. Those that were made
 * since then have somebody.
 *
 * @returns the ids of those that are watched over again
 * @throws {RegistryCtlError} if nobody can be found to do it
 */
export async function watchAgain(kept: readonly KeptDuty[], nowMs: number): Promise<string[]> {
  const bootMs = bootTimeMs();
  const watched: string[] = [];
  for (const one of kept) {
    const { id, holder, until, madeAt, undo } = one.duty;
    if (until === undefined || holder !== undefined || Date.parse(until) <= nowMs) continue;
    if (bootMs === undefined || Date.parse(madeAt) >= bootMs) continue;
    const bySystemd = undo.kind === "configuration" && undo.service.startsWith("systemd:");
    await endDutyAt(one, Date.parse(until), { bySystemd });
    watched.push(id);
  }
  return watched;
}

/** @see https://man7.org/linux/man-pages/man5/proc_stat.5.html */
function bootTimeMs(): number | undefined {
  try {
    const seconds = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
    return seconds === undefined ? undefined : Number(seconds) * 1000;
  } catch {
    return undefined;
  }
}
