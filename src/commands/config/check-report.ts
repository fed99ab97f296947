import { describeOrigin } from "../../config/config-tree.ts";
import type { Finding, FindingKind } from "../../config/finding.ts";
import { missingDriver } from "../../config/read-config.ts";

/** A finding as `config check` reports it. */
export interface ReportedFinding {
  /** Dotted path, empty for the whole file. */
  key: string;
  message: string;
  /** `file:line:column` or the variable, for people. */
  place?: string;
  line?: number;
  column?: number;
  /** The environment variable, where it comes from one. */
  variable?: string;
  /** What `--allow-unimplemented` takes to serve all the same; only of what `serve` refuses. */
  allow?: string;
}

/** The result of `config check`; with `--json` it is the document. */
export interface CheckReport {
  schemaVersion: 1;
  command: "config check";
  /** The file as it was named, or "embedded default". */
  config: string;
  ok: boolean;
  problems: ReportedFinding[];
  warnings: ReportedFinding[];
  refusedByServe: ReportedFinding[];
  withoutEffect: ReportedFinding[];
}

/** Sorts findings by what they mean to whoever asked for the check. */
export function makeCheckReport(config: string, findings: readonly Finding[]): CheckReport {
  const of = (...kinds: FindingKind[]): ReportedFinding[] =>
    findings.filter(({ kind }) => kinds.includes(kind)).map((finding) => reported(finding, findings));
  const problems = of("fatal", "problem");
  return {
    schemaVersion: 1,
    command: "config check",
    config,
    ok: problems.length === 0,
    problems,
    warnings: of("warning"),
    refusedByServe: of("refused"),
    withoutEffect: of("without-effect"),
  };
}

function reported(finding: Finding, all: readonly Finding[]): ReportedFinding {
  const { key, message, origin, kind } = finding;
  const result: ReportedFinding = { key, message };
  if (origin.kind !== "default") result.place = describeOrigin(origin);
  if (origin.kind === "file")
    Object.assign(result, { line: origin.position.line, column: origin.position.column });
  if (origin.kind === "environment") result.variable = origin.variable;
  // Nothing can be stored with a driver that does not exist, whatever is allowed.
  if (kind === "refused" && finding !== missingDriver(all)) result.allow = key;
  return result;
}
