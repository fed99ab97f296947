import type { VerifyOutcome } from "../gc/garbage-report.ts";
import type { VerifyDependencies } from "./verify-options.ts";
import { verifyRegistry } from "./verify-registry.ts";
import type { Finding, VerifyReport } from "./verify-report.ts";

/** So many problems are told one by one. */
const LINES = 20;
/** So many tags, or repositories, are named in a line. */
const NAMES_SHOWN = 10;

/**
 * Proves that every tag, platform and referrer of the registry is complete; for use behind another operation. A layer
 * link that leads to nothing, and that nothing needs, is none of its business.
 *
 * @throws {CancelledError} when the signal is aborted
 */
export async function proveComplete(
  dependencies: VerifyDependencies,
  options: { concurrency: number },
): Promise<VerifyOutcome> {
  const report = await verifyRegistry(dependencies, {
    concurrency: options.concurrency,
    checksumPercent: undefined,
    repositories: [],
    usesMetadataDatabase: false,
  });
  return summarize(report);
}

function summarize({
  problems,
  problemCount,
  counts,
  unchecked,
  uncheckedCount,
}: VerifyReport): VerifyOutcome {
  const breaking = problems.filter(({ kind }) => kind !== "dangling-layer-link");
  const total = problemCount - (counts["dangling-layer-link"] ?? 0) + uncheckedCount;
  const lines = [
    ...breaking.map(describeFinding),
    ...unchecked.map(({ path, error }) => `not looked at: ${path}: ${error}`),
  ].slice(0, LINES);
  const rest = total - lines.length;
  if (rest > 0) lines.push(`and ${rest} more; registry-ctl verify tells them`);
  return { complete: total === 0, problems: total, lines };
}

/** @returns what is wrong and which tags or repositories suffer, in one line */
export function describeFinding({ message, tags, repositories }: Finding): string {
  const [names, what] = tags.total > 0 ? [tags, "tag"] : [repositories, "repository"];
  if (names.total === 0) return message;
  const more = names.total > NAMES_SHOWN ? ` and ${names.total - NAMES_SHOWN} more` : "";
  const verb = what === "tag" ? "breaks" : "in";
  return `${message}; ${verb} ${names.first.slice(0, NAMES_SHOWN).join(", ")}${more}`;
}
