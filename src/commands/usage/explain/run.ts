import { printable } from "../../../lib/printable.ts";
import { explainUsage } from "../../../operations/usage/explain/explain-usage.ts";
import { repositoriesOf } from "../../../operations/usage/explain/find-repositories.ts";
import type { CommandContext } from "../../context.ts";
import { type ProjectFlags, readProjectOf } from "../project-of.ts";
import { type ReadFlags, readModel } from "../read-model.ts";
import { renderExplained } from "./render.ts";

/** What the command line of `usage explain` says. */
export interface ExplainFlags extends ReadFlags, ProjectFlags {
  /** 0: all. */
  top?: number;
}

const PARTLY = 3;
const USUAL_TOP = 20;

/** Runs `usage explain`. */
export async function runExplain(
  context: CommandContext,
  project: string,
  argument: string | undefined,
  flags: ExplainFlags,
): Promise<void> {
  const { projectOf, warnings: ofProjects } = await readProjectOf(context, flags);
  const { model, warnings } = await readModel(context, argument, flags, { pushes: false, tagNeeds: true });
  const { top = USUAL_TOP } = flags;
  const report = explainUsage(model, repositoriesOf(model, project, projectOf), {
    project,
    top: top === 0 ? Number.POSITIVE_INFINITY : top,
    projectOf,
  });
  if (!flags.json) {
    for (const warning of [...ofProjects, ...warnings])
      context.stderr.write(`warning: ${printable(warning)}\n`);
    for (const problem of report.problems) context.stderr.write(`problem: ${printable(problem)}\n`);
  }
  context.report(report, (result) => printable(renderExplained(result)), flags);
  if (report.problems.length > 0) context.setExitCode(PARTLY);
}
