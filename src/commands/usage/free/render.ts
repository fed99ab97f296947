import { countOf } from "../../../lib/count-of.ts";
import { shellLine } from "../../../lib/shell-word.ts";
import { formatBytes } from "../../../lib/units.ts";
import type { FreeReport, ReportedStep } from "../../../operations/usage/free/free-report.ts";

/** So many command lines of a step are shown; scripts have all. */
const COMMANDS_SHOWN = 10;

/** @returns the steps with what they free and the commands that take them, the amounts last */
export function renderFree(report: FreeReport): string {
  const { steps, wantedBytes, storedBytes, freedBytes, isEnough, restBytes = 0 } = report;
  const lines = steps.flatMap((step, index) => renderStep(step, index + 1, report));
  const amounts = `${formatBytes(freedBytes)} of ${formatBytes(storedBytes)}`;
  if (isEnough) {
    lines.push(`frees ${amounts}; wanted: ${formatBytes(wantedBytes)}`);
    return lines.join("\n");
  }
  const missing = formatBytes(wantedBytes - freedBytes);
  lines.push(
    steps.length === 0 ? "nothing is proposed" : `frees ${amounts}`,
    `not enough: ${missing} of the ${formatBytes(wantedBytes)} that are wanted are missing`,
  );
  if (restBytes > 0) {
    lines.push(
      `everything else that may go would free another ${formatBytes(restBytes)}; that is not proposed`,
    );
  }
  return lines.join("\n");
}

/** @returns one command line after the other, with comments, for a shell; each is answered yes */
export function renderScript({ steps }: FreeReport): string {
  const lines = steps.flatMap((step) => [
    `# ${titleOf(step)}: ${formatBytes(step.bytes)}`,
    ...step.commands.map((words) => shellLine(answered(words))),
  ]);
  return ["set -e", ...lines].join("\n");
}

function renderStep(step: ReportedStep, number: number, { oldBefore }: FreeReport): string[] {
  const { bytes, commands } = step;
  const since = step.kind === "old-tags" ? ` that were not set since ${oldBefore.slice(0, 10)}` : "";
  const more = commands.length - COMMANDS_SHOWN;
  // The collection comes last, and is shown in any case.
  const shown = more > 0 ? [...commands.slice(0, COMMANDS_SHOWN - 1), ...commands.slice(-1)] : commands;
  const lines = shown.map((words) => `     ${shellLine(words)}`);
  if (more > 0) lines.splice(-1, 0, `     … and ${countOf(more, "more command")}: see --commands`);
  return [`${number}. ${titleOf(step)}${since}: ${formatBytes(bytes)}`, ...lines, ""];
}

function titleOf({ kind, tags = [], projects = [] }: ReportedStep): string {
  const count = tags.reduce((sum, each) => sum + each.tags.length, 0);
  const named = `${countOf(count, "tag")} in ${tags.length === 1 ? tags[0]?.repository : `${tags.length} repositories`}`;
  switch (kind) {
    case "uploads":
      return "uploads that were abandoned";
    case "orphans":
      return "blobs that no manifest needs";
    case "untagged":
      return "manifests without a tag";
    case "old-tags":
      return `old tags, ${named},`;
    case "tags":
      return `the fewest tags that were found to suffice, ${named}`;
    case "projects":
      return `${countOf(projects.length, "project")} with all tags (${projects.join(", ")}), ${named}`;
  }
}

/** Only the deletion of tags asks. */
function answered(words: readonly string[]): readonly string[] {
  return words[1] === "tags" ? [...words, "--yes"] : words;
}
