import { stringify } from "yaml";
import { describeOrigin } from "../../config/config-tree.ts";
import type { ShownValue } from "../../config/effective-values.ts";
import type { ConfigValue } from "../../config/schema/key-types.ts";
import type { CheckReport, ReportedFinding } from "./check-report.ts";

interface Branch {
  children: Map<string, Branch>;
  shown?: ShownValue;
}

/**
 * Writes values as a config.yml.
 *
 * @param origins - `all` says of each value where it comes from, `environment` only of overrides
 */
export function renderValues(values: readonly ShownValue[], origins: "all" | "environment"): string {
  const root: Branch = { children: new Map() };
  for (const shown of values) {
    let branch = root;
    for (const segment of shown.key.split(".")) {
      const next: Branch = branch.children.get(segment) ?? { children: new Map() };
      branch.children.set(segment, next);
      branch = next;
    }
    branch.shown = shown;
  }
  return [...linesOf(root, "", origins)].join("\n");
}

function* linesOf(branch: Branch, indent: string, origins: "all" | "environment"): Iterable<string> {
  for (const [name, child] of branch.children) {
    const { shown } = child;
    if (shown === undefined) {
      yield `${indent}${inline(name)}:`;
      yield* linesOf(child, `${indent}  `, origins);
      continue;
    }
    const says = origins === "all" || shown.origin.kind === "environment";
    yield `${indent}${inline(name)}: ${inline(shown.value)}${says ? `  # ${describeOrigin(shown.origin)}` : ""}`;
  }
}

/** A value on one line: JSON where YAML would need several, and words of YAML 1.1 in quotes. */
function inline(value: ConfigValue): string {
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  const text = stringify(value, { version: "1.1", lineWidth: 0 }).trimEnd();
  return text.includes("\n") ? JSON.stringify(value) : text;
}

/** Writes what a check found: one line with the verdict, then one for each finding. */
export function renderCheck(report: CheckReport): string {
  const { problems, warnings, refusedByServe, withoutEffect } = report;
  const lines = [...problems.map((finding) => `problem: ${at(finding)}`)];
  lines.push(...warnings.map((finding) => `warning: ${at(finding)}`));
  for (const finding of refusedByServe) {
    const way =
      finding.allow === undefined ? "" : ` (to serve all the same: --allow-unimplemented ${finding.allow})`;
    lines.push(`serve refuses: ${at(finding)}${way}`);
  }
  if (withoutEffect.length > 0) {
    lines.push(`without effect in this release: ${withoutEffect.map((finding) => finding.key).join(", ")}`);
  }
  const verdict = problems.length === 0 ? "ok" : count(problems.length, "problem");
  return [`${report.config}: ${verdict}`, ...lines].join("\n");
}

function at(finding: ReportedFinding): string {
  return finding.place === undefined ? finding.message : `${finding.place}: ${finding.message}`;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
