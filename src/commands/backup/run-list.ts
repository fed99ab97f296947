import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import { type BackupList, type ListedSnapshot, listBackups } from "../../operations/backup/list-backups.ts";
import { renderTable } from "../../ui/table.ts";
import type { CommandContext } from "../context.ts";
import type { ListFlags } from "./backup-flags.ts";
import { nameStore } from "./name-store.ts";

/** Runs `backup list`. */
export async function runList(context: CommandContext, flags: ListFlags): Promise<void> {
  const place = await nameStore(context, flags.store, "--store");
  const driver = await context.openTarget(place, { ...flags, readOnlyStore: true });
  const { signal } = context;
  const list = await listBackups(driver, { repositories: flags.repositories ?? false, signal });
  context.report(list, renderList, flags);
}

function renderList({ snapshots, source }: BackupList): string {
  if (snapshots.length === 0) return `no snapshots of ${printable(source)}`;
  const head = ["SNAPSHOT", "TIME (UTC)", "REPOSITORIES", "TAGS", "SIZE", "CONTENT"];
  const rows = snapshots.map(rowOf);
  const lines = [renderTable(head, rows, [2, 3, 4])];
  for (const { id, repositories } of snapshots) {
    if (repositories === undefined) continue;
    const own = repositories.map(({ name, tags, manifests }) => [name, String(tags), String(manifests)]);
    lines.push("", `${id}:`, renderTable(["REPOSITORY", "TAGS", "MANIFESTS"], own, [1, 2]));
  }
  return printable(lines.join("\n"));
}

function rowOf({ id, createdAt, counts, metadataOnly, problemCount = 0, damage }: ListedSnapshot): string[] {
  const time = createdAt.slice(0, 19).replace("T", " ");
  if (counts === undefined) return [id, time, "-", "-", "-", `cannot be used: ${damage ?? ""}`];
  const content = metadataOnly ? "metadata only" : "all";
  return [
    ...[id, time, String(counts.repositories), String(counts.tags), formatBytes(counts.bytes)],
    problemCount === 0 ? content : `${content}; ${problemCount} could not be had`,
  ];
}
