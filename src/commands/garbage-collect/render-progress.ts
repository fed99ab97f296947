import { formatSpan } from "../../lib/spans-of-time.ts";
import type { RunProgress } from "../../state/run-record.ts";

/** @returns one line such as `listing blobs: 500 of about 2000 (25%), 120/s, about 13 s left; safe to stop` */
export function renderProgress(progress: RunProgress, safeToStop = true): string {
  const parts = [`${progress.phase}${renderCount(progress)}`];
  const { ratePerSecond, etaSeconds } = progress;
  if (ratePerSecond !== undefined && progress.done > 0) {
    parts.push(`${ratePerSecond >= 10 ? Math.round(ratePerSecond) : ratePerSecond}/s`);
  }
  if (etaSeconds !== undefined) parts.push(`about ${formatSpan(etaSeconds)} left`);
  return `${parts.join(", ")}${safeToStop ? "; safe to stop" : ""}`;
}

function renderCount({ done, total, totalIsEstimate, percent }: RunProgress): string {
  if (total === undefined) return done > 0 ? `: ${done}` : "";
  return `: ${done} of ${totalIsEstimate ? "about " : ""}${total} (${percent ?? 0}%)`;
}
