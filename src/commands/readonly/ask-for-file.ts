import { maskConfigText } from "../../config/edit/mask-config-text.ts";
import type { PersistedChange } from "../../operations/readonly/persisted-change.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import { renderDiff } from "../../ui/render-diff.ts";
import type { CommandContext } from "../context.ts";
import type { ReadOnlyFlags } from "./readonly-flags.ts";

/** Shows what changes in the file, and asks if that is to be done now. Nothing is asked for where nothing changes. */
export async function askForFile(
  context: CommandContext,
  { file, before, after }: PersistedChange,
  flags: ReadOnlyFlags,
  restart?: string,
): Promise<void> {
  const diff = renderDiff({ path: file, before, after, mask: maskConfigText });
  if (diff !== "" && !flags.quiet) context.stderr.write(`${diff}\n`);
  if (isDryRun(flags) || (diff === "" && restart === undefined)) return;
  const what = diff === "" ? "" : `Change ${file}`;
  const then = restart === undefined ? "" : `${diff === "" ? "Restart" : ", and restart"} ${restart}`;
  await context.confirm(`${what}${then}?`, flags);
}
