import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { reportUsage } from "../../operations/usage/report-usage.ts";
import type { UsageReport } from "../../operations/usage/usage-report.ts";
import { compileLightly } from "../../process/compile-lightly.ts";
import type { CommandContext } from "../context.ts";
import { refuseWithoutRegistry } from "../over-http/registry-flags.ts";
import { readProtectFile } from "../tags/read-protect-file.ts";
import { USUAL_DEPTH } from "./project-of.ts";
import { readModel } from "./read-model.ts";
import { readModelOverHttp } from "./read-model-over-http.ts";
import { readProjects } from "./read-projects.ts";
import { renderUsage } from "./render.ts";
import type { UsageFlags } from "./usage-flags.ts";

const PARTLY = 3;
const LARGER = 4;
/** A store has many layers, of which few are worth a look. */
const USUAL_TOP_LAYERS = 100;

/** Runs `usage`. */
export async function runUsageCommand(
  context: CommandContext,
  argument: string | undefined,
  given: UsageFlags,
): Promise<void> {
  compileLightly();
  const flags = given.format === "json" ? { ...given, json: true } : given;
  refuseFlags(flags);
  const { by, graceMs, top, sort, since, over } = choicesOf(flags);
  const projects = await readProjects(context, flags);
  const isGitLabCsv = flags.format === "gitlab-csv";
  const images = await readProtectFile(context, flags.protect);
  const { model, warnings } =
    flags.registry === undefined
      ? await readModel(context, argument, flags, {
          protectedDigests: images?.digests,
          pushes: !isGitLabCsv || since !== undefined,
          tagNeeds: by === "tag",
        })
      : await readModelOverHttp(context, argument, flags.registry, flags);
  const report = reportUsage(model, {
    ...{ by, graceMs, top, sort, sinceMs: since, overBytes: over },
    overBy: isGitLabCsv ? "gitlabBytes" : "sizeBytes",
    depth: flags.depth ?? USUAL_DEPTH,
    directory: projects?.directory,
    isFromGitLab: projects?.isFromGitLab ?? false,
  });
  const whole = { ...report, warnings: [...(projects?.warnings ?? []), ...warnings, ...report.warnings] };
  printProblems(context, whole, flags);
  context.report(whole, (result) => renderUsage(result, flags.format, context.stdout), flags);
  if (over !== undefined && report.rows.length + report.leftOut > 0) context.setExitCode(LARGER);
  else if (report.problems.length > 0) context.setExitCode(PARTLY);
}

function choicesOf(flags: UsageFlags): {
  by: UsageFlags["by"];
  graceMs: number;
  top: number | undefined;
  sort: NonNullable<UsageFlags["sort"]>;
  since: number | undefined;
  over: number | undefined;
} {
  const { by, format, grace, over, since } = flags;
  const top = flags.top ?? (by === "layer" ? USUAL_TOP_LAYERS : 0);
  const sort = flags.sort ?? (format === "gitlab-csv" ? "gitlab" : "size");
  return { by, graceMs: grace, top: top === 0 ? undefined : top, sort, since, over };
}

function refuseFlags(flags: UsageFlags): void {
  refuseWithoutRegistry(flags);
  if (flags.repository !== undefined && flags.registry === undefined)
    throw new UsageError("--repository is of no use without --registry", {
      hint: "see one project with registry-ctl usage explain",
    });
  refuseRows(flags);
}

function refuseRows({ by, format, projects, gitlab, depth, since, json }: UsageFlags): void {
  if (format === "gitlab-csv" && by !== "project")
    throw new UsageError(`gitlab-csv has projects only, not --by ${by}`, { hint: "leave out --by" });
  if (format === "gitlab-csv" && json)
    throw new UsageError("--json and --format gitlab-csv exclude each other");
  if (by !== "project" && (projects ?? gitlab ?? depth) !== undefined)
    throw new UsageError("--projects, --gitlab and --depth are of use by project only", {
      hint: "leave out --by",
    });
  if ((by === "layer" || by === "media-type") && since !== undefined)
    throw new UsageError(`nobody pushes a ${by} by itself, so that --since is of no use with --by ${by}`);
}

function printProblems(
  context: CommandContext,
  { problems, warnings }: UsageReport,
  flags: UsageFlags,
): void {
  if (flags.json) return;
  for (const warning of warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  for (const problem of problems) context.stderr.write(`problem: ${printable(problem)}\n`);
}
