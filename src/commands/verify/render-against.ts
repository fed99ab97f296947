import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type {
  AgainstReport,
  Difference,
  DifferenceKind,
} from "../../operations/verify/against/against-report.ts";
import { renderRequests } from "../../ui/render-requests.ts";
import { renderTable } from "../../ui/table.ts";
import { renderChecksum, renderFindings } from "./render.ts";

/** So many differences of a kind are shown; `--json` has more. */
const SHOWN_OF_A_KIND = 20;
const HEADINGS = ["", "SOURCE FILES", "SIZE", "TARGET FILES", "SIZE"];

const TITLES: Readonly<Record<DifferenceKind, string>> = {
  missing: "missing in the target",
  extra: "only in the target",
  size: "different in size",
  content: "different in content",
  digest: "damaged bytes",
};

/** @returns the result for people: what differs and what is broken, the counts side by side, and the verdict last */
export function renderAgainst(report: AgainstReport): string {
  const { graph, unchecked, uncheckedCount, checksum, requests, changing } = report;
  const lines = [...renderDifferences(report)];
  if (graph) lines.push(...renderFindings(graph.problems, graph.counts, "target: "));
  const notSeen = [...unchecked, ...(graph?.unchecked ?? [])];
  for (const { path, error } of notSeen.slice(0, SHOWN_OF_A_KIND)) {
    lines.push(`not looked at: ${path}: ${error}`);
  }
  const more = uncheckedCount + (graph?.uncheckedCount ?? 0) - Math.min(notSeen.length, SHOWN_OF_A_KIND);
  if (more > 0) lines.push(`  … and ${more} more`);
  if (lines.length > 0) lines.push("");
  lines.push(renderCounts(report), "");
  if (changing > 0) lines.push(`in use: ${countOf(changing, "file")} that the source has just changed`);
  if (checksum) lines.push(...renderChecksum(checksum));
  for (const [name, counts] of Object.entries(requests ?? {}))
    lines.push(`${name} ${renderRequests(counts)}`);
  lines.push(verdict(report));
  return printable(lines.join("\n"));
}

function* renderDifferences({ differences, differencesByKind }: AgainstReport): Generator<string> {
  const byKind = new Map<DifferenceKind, Difference[]>();
  for (const difference of differences) {
    byKind.set(difference.kind, [...(byKind.get(difference.kind) ?? []), difference]);
  }
  for (const [kind, some] of byKind) {
    const count = differencesByKind[kind] ?? some.length;
    yield `${TITLES[kind]} (${count}):`;
    for (const { path, detail } of some.slice(0, SHOWN_OF_A_KIND)) yield `  ${path}: ${detail}`;
    if (count > SHOWN_OF_A_KIND) yield `  … and ${count - SHOWN_OF_A_KIND} more`;
  }
}

function renderCounts({ counts }: AgainstReport): string {
  const rows = counts.map(({ folder, source, target }) => [
    folder,
    String(source.files),
    formatBytes(source.bytes),
    String(target.files),
    formatBytes(target.bytes),
  ]);
  return renderTable(HEADINGS, rows, [1, 2, 3, 4]);
}

function verdict({ complete, differenceCount, graph, onlyRepositories, changing }: AgainstReport): string {
  const problems = graph?.problemCount ?? 0;
  const found = [
    ...(differenceCount > 0 ? [countOf(differenceCount, "difference")] : []),
    ...(problems > 0 ? [`${countOf(problems, "problem")} at the target`] : []),
  ];
  if (found.length > 0) return `${found.join(" and ")} found`;
  if (!complete) return "no difference was found, but not everything could be looked at";
  const where = onlyRepositories ? ` of ${onlyRepositories.join(", ")}` : "";
  const whole = graph ? "; every tag, platform and referrer at the target is complete" : "";
  const apart = changing > 0 ? "apart from that, " : "";
  return `${apart}the target has everything${where} that the source has, and nothing else${whole}`;
}
