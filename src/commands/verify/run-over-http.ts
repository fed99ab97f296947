import { UsageError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import { type HttpVerifyReport, verifyOverHttp } from "../../operations/verify/over-http/verify-over-http.ts";
import type { CommandContext } from "../context.ts";
import { openRegistry } from "../over-http/open-registry.ts";
import { renderFindings } from "./render.ts";
import type { VerifyFlags } from "./verify-flags.ts";

const PARTLY = 3;
const DIFFERENCES = 4;
/** So much that was not looked at is told. */
const UNCHECKED_SHOWN = 20;

/** What looks at files of a store, or changes them. */
const ONLY_FOR_STORES: readonly (readonly [keyof VerifyFlags, string])[] = [
  ["config", "--config"],
  ["checksum", "--checksum"],
  ["rotate", "--rotate"],
  ["strict", "--strict"],
  ["against", "--against"],
  ["repair", "--repair"],
  ["from", "--from"],
  ["mode", "--mode"],
  ["dryRun", "--dry-run"],
  ["dryrun", "--dryrun"],
  ["concurrency", "--concurrency"],
];

/** Runs `verify --registry`. */
export async function runOverHttp(
  context: CommandContext,
  registry: string,
  repositories: readonly string[],
  flags: VerifyFlags,
): Promise<void> {
  const odd = ONLY_FOR_STORES.find(([name]) => flags[name] !== undefined && flags[name] !== false);
  if (odd) throw new UsageError(`${odd[1]} is for a store, and --registry looks at a registry over HTTP`);
  const client = await openRegistry(context, registry, flags);
  const progress = context.progress("looking for repositories; safe to stop", flags);
  let report: HttpVerifyReport;
  try {
    report = await verifyOverHttp(
      {
        ...{ client, nowMs: Date.now, signal: context.signal },
        onProgress: ({ repository, checked: { repositories: done, tags } }) =>
          progress.update(
            () =>
              `${repository}; ${countOf(done, "repository", "repositories")}, ${countOf(tags, "tag")} so far`,
          ),
      },
      repositories,
    );
  } finally {
    progress.stop();
  }
  context.report(report, renderHttpReport, flags);
  if (report.problemCount > 0) context.setExitCode(DIFFERENCES);
  else if (report.uncheckedCount > 0) context.setExitCode(PARTLY);
}

function renderHttpReport(report: HttpVerifyReport): string {
  const { problems, counts, unchecked, uncheckedCount, checked, problemCount } = report;
  const lines = [...renderFindings(problems, counts)];
  for (const { path, error } of unchecked.slice(0, UNCHECKED_SHOWN))
    lines.push(`not looked at: ${path}: ${error}`);
  if (uncheckedCount > UNCHECKED_SHOWN) lines.push(`  … and ${uncheckedCount - UNCHECKED_SHOWN} more`);
  lines.push(
    `looked at: ${countOf(checked.repositories, "repository", "repositories")}, ${countOf(checked.tags, "tag")}, ` +
      `${countOf(checked.manifests, "manifest")}, ${countOf(checked.blobs, "blob")} (${formatBytes(checked.bytes)})`,
  );
  if (problemCount > 0) lines.push(`${countOf(problemCount, "problem")} found`);
  else if (uncheckedCount > 0) lines.push("nothing wrong was found, but not everything could be looked at");
  else lines.push("nothing is wrong: every tag can be pulled with all that it needs");
  return printable(lines.join("\n"));
}
