import type { ChangedKey } from "../../control/protocol.ts";
import { printableLine } from "../../lib/printable.ts";
import type { ReloadReport } from "../../operations/service/reload-registry.ts";
import { renderTable } from "../../ui/table.ts";

/** @returns what came of `reload`, or would, for people */
export function renderReload(report: ReloadReport): string {
  const { changed, replaced, pending, dryRun, pid, refused } = report;
  if (changed.length === 0) return `nothing has changed: process ${pid} uses what the configuration says`;
  const lines = [renderChangedKeys(changed), ""];
  if (refused !== undefined) lines.push(`would be refused as it is now: ${printableLine(refused)}`);
  if (dryRun) lines.push("nothing was changed: this is a dry run");
  else lines.push(`reloaded: process ${pid}${replaced ? " has new workers; no request was dropped" : ""}`);
  if (!dryRun && changed.some(({ applies }) => applies === "store"))
    lines.push("it works on the other store, and is read-only as before");
  if (pending.length > 0)
    lines.push(`only when the server is stopped and started: ${pending.map(printableLine).join(", ")}`);
  if (pending.some((key) => /^storage\.(?:filesystem|s3|inmemory)\b/.test(key)))
    lines.push("the store has changed: the server goes on with the old one until then");
  return lines.join("\n");
}

/** @returns a table of keys with both values and how the new one takes effect */
export function renderChangedKeys(changed: readonly ChangedKey[]): string {
  const rows = changed.map(({ key, from, to, applies }) =>
    [key, from ?? "(not set)", to ?? "(not set)", HOW[applies]].map(printableLine),
  );
  return renderTable(["KEY", "IN THE SERVER", "IN THE FILE", "TAKES EFFECT"], rows);
}

const HOW: Readonly<Record<ChangedKey["applies"], string>> = {
  live: "live",
  workers: "with new workers",
  store: "while read-only, with new workers",
  restart: "at a stop and start",
};
