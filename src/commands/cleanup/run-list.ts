import type { GitLabApi } from "../../client/gitlab/gitlab-api.ts";
import { readGitLabProjects } from "../../client/gitlab/read-projects.ts";
import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { findAmongPolicies } from "../../operations/cleanup/list/file-rows.ts";
import { type FindProject, gatherProjects } from "../../operations/cleanup/list/gather-projects.ts";
import { askForUsers, findAmongProjects } from "../../operations/cleanup/list/gitlab-rows.ts";
import { type ListedProject, listReport } from "../../operations/cleanup/list/list-report.ts";
import type { GitLabFlags } from "../../ui/options/gitlab.ts";
import type { CommandContext } from "../context.ts";
import { openGitLab } from "../gitlab/open-gitlab.ts";
import { type OpenedTagSource, openTagSource, type TagSourceFlags } from "../tags/open-tag-source.ts";
import { openMemory } from "./open-memory.ts";
import { readPolicyFile } from "./read-policies.ts";
import { renderList } from "./render-list.ts";

/** What the command line of `cleanup list` says. */
export interface ListFlags extends GitLabFlags, TagSourceFlags {
  withoutPolicy?: boolean;
  policies?: string;
  askGitlab?: boolean;
}

const FAILED_IN_PART = 3;

/** Runs `cleanup list`. */
export async function runListCommand(
  context: CommandContext,
  argument: string | undefined,
  flags: ListFlags,
): Promise<void> {
  const gitlab = await openGitLab(context, flags);
  checkPlaces(gitlab, argument, flags);
  const { projects, warnings } = gitlab
    ? await listOfGitLab(context, gitlab, argument, flags)
    : await listOfFile(context, argument, flags);
  if (!flags.json) for (const warning of warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  const report = listReport(projects, { onlyWithout: Boolean(flags.withoutPolicy), warnings });
  context.report(report, (result) => printable(renderList(result)), flags);
}

interface Listed {
  projects: ListedProject[];
  warnings: string[];
}

function checkPlaces(gitlab: GitLabApi | undefined, argument: string | undefined, flags: ListFlags): void {
  const { policies, askGitlab, registry } = flags;
  if ((gitlab === undefined) === (policies === undefined)) {
    throw new UsageError("say where policies are: --gitlab https://…, or --policies FILE");
  }
  if (!askGitlab) return;
  if (gitlab === undefined) throw new UsageError("--ask-gitlab is of no use without --gitlab https://…");
  if (argument !== undefined || registry !== undefined) {
    throw new UsageError("with --ask-gitlab neither a store nor a registry is looked at");
  }
}

async function listOfGitLab(
  context: CommandContext,
  gitlab: GitLabApi,
  argument: string | undefined,
  flags: ListFlags,
): Promise<Listed> {
  const { signal } = context;
  const progress = context.progress(`reading the projects of ${gitlab.name}`, flags);
  try {
    const { projects, notices } = await readGitLabProjects(gitlab, {
      signal,
      onProject: (found) => progress.update(() => `reading the projects of ${gitlab.name}: ${found}`),
    });
    if (!flags.askGitlab) {
      const find = findAmongProjects(gitlab, projects);
      return { projects: await gather(context, argument, flags, () => find), warnings: notices };
    }
    const { rows, failed } = await askForUsers(gitlab, projects, {
      signal,
      onAsked: (done) => progress.update(() => `asking for repositories: ${done} of ${projects.length}`),
    });
    if (failed.length > 0) context.setExitCode(FAILED_IN_PART);
    const problems = failed.map(({ project, error }) => `${project}: ${error}`);
    return { projects: rows, warnings: [...notices, ...problems] };
  } finally {
    progress.stop();
  }
}

async function listOfFile(
  context: CommandContext,
  argument: string | undefined,
  flags: ListFlags,
): Promise<Listed> {
  const { policies, warnings } = await readPolicyFile(context, flags.policies ?? "");
  const find = (opened: OpenedTagSource): FindProject =>
    findAmongPolicies(policies, openMemory(context, opened, flags, false).memory, Date.now());
  return { projects: await gather(context, argument, flags, find), warnings };
}

async function gather(
  context: CommandContext,
  argument: string | undefined,
  flags: ListFlags,
  findWith: (opened: OpenedTagSource) => FindProject,
): Promise<ListedProject[]> {
  const opened = await openTagSource(context, argument, flags, { command: "cleanup list", access: "look" });
  const progress = context.progress("looking for repositories", flags);
  try {
    const find = findWith(opened);
    return await gatherProjects(opened.source.repositories(context.signal), find, (found) =>
      progress.update(() => `looking for repositories: ${found}`),
    );
  } finally {
    progress.stop();
    opened.close();
  }
}
