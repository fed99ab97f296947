import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { parseProjectList } from "../../operations/usage/parse-project-list.ts";
import { ProjectDirectory } from "../../operations/usage/projects.ts";
import type { CommandContext } from "../context.ts";
import type { UsageFlags } from "./usage-flags.ts";

/** Projects that somebody has named. */
export interface ReadProjects {
  directory: ProjectDirectory;
  isFromGitLab: boolean;
}

/**
 * @returns the projects that `--projects` names; undefined without it
 * @throws {UsageError} if the list cannot be read
 */
export async function readProjects(
  context: CommandContext,
  { projects }: UsageFlags,
): Promise<ReadProjects | undefined> {
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
  return { directory: new ProjectDirectory(parseProjectList(list, name)), isFromGitLab: false };
}
