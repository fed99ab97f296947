import { countOf } from "../../../lib/count-of.ts";
import { formatBytes } from "../../../lib/units.ts";
import type { ExplainedLayer, ExplainReport } from "../../../operations/usage/explain/explain-report.ts";
import { renderTable } from "../../../ui/table.ts";

const SHARERS_SHOWN = 10;
const NAMES_SHOWN = 3;
const HEADINGS = ["SIZE", "TAGS", "NEEDED BY", "SHARED WITH", "DIGEST"];

/** @returns the amounts first, then the largest layers, one a line */
export function renderExplained(report: ExplainReport): string {
  const { project, repositories, tags, manifests, bytes, exclusiveBytes, untaggedBytes, sharedBytes } =
    report;
  const lines = [
    `${project}: ${countOf(repositories.length, "repository").replace(/ys$/, "ies")}, ${countOf(tags, "tag")}, ${countOf(manifests, "manifest")}`,
    `it keeps ${formatBytes(bytes)}: ${formatBytes(exclusiveBytes)} alone, ${formatBytes(sharedBytes)} together with others`,
  ];
  if (untaggedBytes > 0) {
    lines.push(`no tag needs ${formatBytes(untaggedBytes)} of that: garbage-collect -m frees it`);
  }
  lines.push(...sharerLines(report));
  const { layers, layerCount } = report;
  if (layers.length > 0) {
    lines.push("", renderTable(HEADINGS, layers.map(rowOf), [0, 1]));
    const more = layerCount - layers.length;
    if (more > 0) lines.push(`and ${countOf(more, "smaller one")}: see --top`);
  }
  return lines.join("\n");
}

function sharerLines({ sharedWith }: ExplainReport): string[] {
  if (sharedWith.length === 0) return [];
  const rows = sharedWith.slice(0, SHARERS_SHOWN).map(({ project, bytes }) => [project, formatBytes(bytes)]);
  const more = sharedWith.length - rows.length;
  const rest = more > 0 ? [`and with ${countOf(more, "other")}`] : [];
  return ["", renderTable(["SHARED WITH", "SIZE"], rows, [1]), ...rest];
}

function rowOf({ digest, bytes, tags, repositories, sharedWith }: ExplainedLayer): string[] {
  const needed =
    tags.count > 0
      ? namesOf(tags.first, tags.count)
      : `no tag, in ${namesOf(repositories, repositories.length)}`;
  const sharers = sharedWith.map(({ project, repositories: others }) =>
    others.length === 1 && others[0] === project ? project : `${project} (${others.length})`,
  );
  return [
    formatBytes(bytes),
    String(tags.count),
    needed,
    sharers.length === 0 ? "nobody" : namesOf(sharers, sharers.length),
    digest,
  ];
}

/** @param count - how many there are; `names` may be the first of them only */
function namesOf(names: readonly string[], count: number): string {
  const shown = names.slice(0, NAMES_SHOWN);
  const more = count - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}
