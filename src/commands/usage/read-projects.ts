import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { GitLabApi } from "../../client/gitlab/gitlab-api.ts";
import { readGitLabProjects } from "../../client/gitlab/read-projects.ts";
import { UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { parseProjectList } from "../../operations/usage/parse-project-list.ts";
import { type KnownProject, ProjectDirectory } from "../../operations/usage/projects.ts";
import type { CommandContext } from "../context.ts";
import { openGitLab } from "../gitlab/open-gitlab.ts";
import type { ProjectFlags } from "./project-of.ts";

/** Projects that somebody has named. */
export interface ReadProjects {
  directory: ProjectDirectory;
  isFromGitLab: boolean;
  /** Where projects may be missing. */
  warnings: string[];
}

/**
 * @returns the projects that `--projects` and `--gitlab` name; undefined without both
 * @throws {UsageError} if the list cannot be read, or there is no token
 * @throws {GitLabError}
 * @throws {CancelledError}
 */
export async function readProjects(
  context: CommandContext,
  flags: ProjectFlags,
): Promise<ReadProjects | undefined> {
  const gitlab = await openGitLab(context, flags);
  const listed = await readList(context, flags);
  if (gitlab === undefined) {
    return listed && { directory: new ProjectDirectory(listed), isFromGitLab: false, warnings: [] };
  }
  const { projects, notices } = await readAll(context, gitlab, flags);
  const known = new ProjectDirectory<KnownProject>(projects);
  const named = (listed ?? []).map((project) => known.withIds(project));
  return { directory: new ProjectDirectory([...known, ...named]), isFromGitLab: true, warnings: notices };
}

async function readAll(
  context: CommandContext,
  gitlab: GitLabApi,
  flags: ProjectFlags,
): ReturnType<typeof readGitLabProjects> {
  const progress = context.progress(`reading the projects of ${gitlab.name}`, flags);
  try {
    return await readGitLabProjects(gitlab, {
      signal: context.signal,
      onProject: (found) => progress.update(() => `reading the projects of ${gitlab.name}: ${found}`),
    });
  } finally {
    progress.stop();
  }
}

async function readList(
  context: CommandContext,
  { projects }: ProjectFlags,
): Promise<KnownProject[] | undefined> {
  if (projects === undefined) return undefined;
  const name = projects === "-" ? "standard input" : projects;
  let list: string;
  try {
    list =
      projects === "-"
        ? await text(context.stdin)
        : await readFile(resolve(context.cwd, projects), { encoding: "utf8", signal: context.signal });
  } catch (cause) {
    throw new UsageError(`--projects: ${name} cannot be read: ${messageOf(cause)}`, { cause });
  }
  return parseProjectList(list, name);
}
