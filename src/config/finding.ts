import { ConfigError } from "../errors.ts";
import { describeOrigin, type Origin } from "./config-tree.ts";

/**
 * What is to be said about a configuration:
 * - `fatal`: it cannot be used: the Go registry would fail too, or would do something else than what is written;
 * - `problem`: the Go registry starts with it, and so do we, but it is surely not what was meant (an unknown key);
 * - `refused`: a key that must be honoured and is not implemented yet: `serve` refuses it;
 * - `warning`: it works, and may surprise;
 * - `without-effect`: a known key that is not implemented yet, and whose absence endangers nothing.
 */
export type FindingKind = "fatal" | "problem" | "refused" | "warning" | "without-effect";

/** One remark about a configuration, with the place it is about. */
export interface Finding {
  kind: FindingKind;
  /** Dotted path of the key, empty for the whole file. */
  key: string;
  /** Lower-case sentence without place. */
  message: string;
  origin: Origin;
}

/** @returns a finding on one line, with its place first */
export function formatFinding(finding: Finding): string {
  return finding.origin.kind === "default"
    ? finding.message
    : `${describeOrigin(finding.origin)}: ${finding.message}`;
}

/**
 * Makes one error out of findings, so that all of them can be put right in one go.
 *
 * @param findings - at least one, the first names the error's position
 */
export function toConfigError(findings: readonly Finding[], hint?: string): ConfigError {
  const [first, ...rest] = findings;
  const position = first?.origin.kind === "file" ? first.origin.position : undefined;
  const own = first === undefined ? "the configuration is invalid" : first.message;
  const head = first !== undefined && position === undefined ? formatFinding(first) : own;
  return new ConfigError([head, ...rest.map(formatFinding)].join("\n"), { hint, position });
}

/** @returns the findings in the order of the file, those of environment variables last */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const rank = ({ origin }: Finding): [number, number, string] => {
    if (origin.kind === "file") return [origin.position.line, origin.position.column, ""];
    return [Number.MAX_SAFE_INTEGER, 0, origin.kind === "environment" ? origin.variable : ""];
  };
  return [...findings].sort((left, right) => {
    const [leftLine, leftColumn, leftName] = rank(left);
    const [rightLine, rightColumn, rightName] = rank(right);
    return leftLine - rightLine || leftColumn - rightColumn || leftName.localeCompare(rightName, "en");
  });
}
