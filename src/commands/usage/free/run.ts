import { UsageError } from "../../../errors.ts";
import { printable } from "../../../lib/printable.ts";
import { commandsOf } from "../../../operations/usage/free/free-commands.ts";
import { planToFree } from "../../../operations/usage/free/free-plan.ts";
import type { FreeReport } from "../../../operations/usage/free/free-report.ts";
import { measureStaleUploads } from "../../../operations/usage/free/measure-uploads.ts";
import { protectionOf } from "../../../operations/usage/free/protected-targets.ts";
import type { CommandContext } from "../../context.ts";
import { readProtectFile } from "../../tags/read-protect-file.ts";
import { type ProjectFlags, readProjectOf } from "../project-of.ts";
import { type ReadFlags, readModel } from "../read-model.ts";
import { renderFree, renderScript } from "./render.ts";

/** What the command line of `usage free` says. */
export interface FreeFlags extends ReadFlags, ProjectFlags {
  /** `--older-than`, in milliseconds. */
  olderThan: number;
  last: "tags" | "projects";
  protect?: string;
  commands?: boolean;
}

const PARTLY = 3;
const NOT_ENOUGH = 4;

/** Runs `usage free`. */
export async function runFree(
  context: CommandContext,
  wantedBytes: number,
  argument: string | undefined,
  flags: FreeFlags,
): Promise<void> {
  refuseFlags(flags);
  const { projectOf, warnings: ofProjects } = await readProjectOf(context, flags);
  const images = await readProtectFile(context, flags.protect);
  const { config, driver, model, warnings } = await readModel(context, argument, flags, {
    ...{ pushes: true, tagNeeds: true, standing: true },
    protectedDigests: images?.digests,
  });
  const uploads = await measureStaleUploads(driver, {
    olderThanMs: config.settings.uploadPurging.ageMs,
    signal: context.signal,
  });
  const nowMs = Date.now();
  const oldBeforeMs = nowMs - flags.olderThan;
  const plan = planToFree(model, {
    wantedBytes,
    oldBeforeMs,
    last: flags.last,
    keepPushedAfterMs: nowMs - flags.grace,
    uploadBytes: uploads.bytes,
    isProtected: protectionOf(model, images),
    projectOf,
  });
  const found = config.source.kind === "file" ? config.source.path : undefined;
  const given = {
    // What deletes takes no configuration unasked.
    config: argument ?? flags.config ?? found,
    envFrom: flags.envFrom ?? [],
    protect: flags.protect,
    graceMs: flags.grace,
  };
  const report: FreeReport = {
    schemaVersion: 1,
    command: "usage free",
    wantedBytes,
    storedBytes: model.blobs.bytes,
    freedBytes: plan.freedBytes,
    isEnough: plan.freedBytes >= wantedBytes,
    steps: plan.steps.map((step) => ({ ...step, commands: commandsOf(step, given) })),
    ...(plan.restBytes === undefined ? {} : { restBytes: plan.restBytes }),
    oldBefore: new Date(oldBeforeMs).toISOString(),
    warnings: [...ofProjects, ...warnings, ...plan.warnings],
    problems: [...model.problems, ...uploads.problems],
  };
  print(context, report, flags);
  if (report.problems.length > 0) context.setExitCode(PARTLY);
  else if (!report.isEnough) context.setExitCode(NOT_ENOUGH);
}

function refuseFlags({ commands, json, protect }: FreeFlags): void {
  if (commands && json) throw new UsageError("--json and --commands exclude each other");
  if (protect === "-") {
    throw new UsageError("--protect names a file here: the commands that are proposed need it too", {
      hint: "write the list into a file",
    });
  }
}

function print(context: CommandContext, report: FreeReport, flags: FreeFlags): void {
  if (!flags.json) {
    for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
    for (const problem of report.problems) context.stderr.write(`problem: ${printable(problem)}\n`);
  }
  const render = flags.commands ? renderScript : renderFree;
  context.report(report, (result) => printable(render(result)), flags);
}
