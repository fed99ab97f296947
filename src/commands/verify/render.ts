import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import { describeFinding } from "../../operations/verify/verify-outcome.ts";
import type {
  ChecksumShare,
  Finding,
  FindingKind,
  VerifyReport,
} from "../../operations/verify/verify-report.ts";
import { renderRequests } from "../../ui/render-requests.ts";

/** So many findings of a kind are shown; `--json` has more. */
const SHOWN_OF_A_KIND = 20;

/** @returns the result for people: what is wrong, what deserves notice, what was looked at, and the verdict last */
export function renderReport(report: VerifyReport): string {
  const { problems, notices, counts, unchecked, uncheckedCount } = report;
  const lines = [...renderFindings(problems, counts), ...renderFindings(notices, counts, "notice: ")];
  for (const { path, error } of unchecked.slice(0, SHOWN_OF_A_KIND)) {
    lines.push(`not looked at: ${path}: ${error}`);
  }
  if (uncheckedCount > SHOWN_OF_A_KIND) lines.push(`  … and ${uncheckedCount - SHOWN_OF_A_KIND} more`);
  lines.push(...renderAmounts(report), verdict(report));
  return printable(lines.join("\n"));
}

/** @returns findings grouped by kind, a line each, the first of each kind only */
export function* renderFindings(
  findings: readonly Finding[],
  counts: VerifyReport["counts"],
  prefix = "",
): Generator<string> {
  const byKind = new Map<FindingKind, Finding[]>();
  for (const finding of findings) byKind.set(finding.kind, [...(byKind.get(finding.kind) ?? []), finding]);
  for (const [kind, some] of byKind) {
    const count = counts[kind] ?? some.length;
    yield `${prefix}${kind.replaceAll("-", " ")} (${count}):`;
    for (const finding of some.slice(0, SHOWN_OF_A_KIND)) yield `  ${describeFinding(finding)}`;
    if (count > SHOWN_OF_A_KIND) yield `  … and ${count - SHOWN_OF_A_KIND} more`;
  }
}

function* renderAmounts({ checked, checksum, unneeded, requests }: VerifyReport): Generator<string> {
  const { repositories, tags, manifests, layerLinks, blobs, bytes } = checked;
  yield `looked at: ${count(repositories, "repository", "repositories")}, ${count(tags, "tag")}, ${count(manifests, "manifest")}, ` +
    `${count(layerLinks, "layer link")}, ${count(blobs, "blob")} (${formatBytes(bytes)})`;
  if (checksum) yield* renderChecksum(checksum);
  const garbage = [
    unneeded.blobs > 0 ? `${count(unneeded.blobs, "blob")} (${formatBytes(unneeded.bytes)})` : "",
    unneeded.layerLinks > 0 ? count(unneeded.layerLinks, "layer link") : "",
    unneeded.temporaryFiles > 0 ? count(unneeded.temporaryFiles, "temporary file") : "",
  ].filter((text) => text !== "");
  if (garbage.length > 0) yield `garbage, for garbage-collect: ${garbage.join(", ")}`;
  if (requests) yield renderRequests(requests);
}

/** @returns how much was hashed and, if it was its turn, what has been covered since when */
export function* renderChecksum(share: ChecksumShare): Generator<string> {
  const { blobs, bytes, ofBlobs, ofBytes, rotation } = share;
  yield `checksums: of ${blobs} of ${count(ofBlobs, "blob")} (${formatBytes(bytes)} of ${formatBytes(ofBytes)})`;
  if (!rotation) return;
  const { fromPercent, toPercent, coveredPercent, coveredSince } = rotation;
  const turn = `rotation: from ${fromPercent}% to ${toPercent}% of all digests`;
  yield coveredSince === undefined
    ? `${turn}; ${coveredPercent}% have had their turn so far`
    : `${turn}; every blob as old as ${coveredSince} has been hashed since`;
}

function verdict({ problemCount, uncheckedCount, onlyRepositories }: VerifyReport): string {
  if (problemCount > 0) return `${count(problemCount, "problem")} found`;
  if (uncheckedCount > 0) return "nothing wrong was found, but not everything could be looked at";
  const where = onlyRepositories ? ` of ${onlyRepositories.join(", ")}` : "";
  return `nothing is wrong: every tag, platform and referrer${where} is complete`;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
