import { guessedProject } from "../../operations/usage/usage-groups.ts";
import type { GitLabFlags } from "../../ui/options/gitlab.ts";
import type { CommandContext, StorageFlags } from "../context.ts";
import { readProjects } from "./read-projects.ts";
import type { UsageFlags } from "./usage-flags.ts";

/** Flags that say which part of a repository's name is the project. */
export type ProjectFlags = StorageFlags & GitLabFlags & Pick<UsageFlags, "depth" | "projects">;

/** So many segments of a name are taken for the project where nothing tells it. */
export const USUAL_DEPTH = 2;

/**
 * @returns what tells the project of a repository, and what was noticed when it was read
 * @throws {UsageError} if the list of projects cannot be read
 */
export async function readProjectOf(
  context: CommandContext,
  flags: ProjectFlags,
): Promise<{ projectOf: (repository: string) => string; warnings: readonly string[] }> {
  const known = await readProjects(context, flags);
  const { depth = USUAL_DEPTH } = flags;
  return {
    projectOf: (repository) =>
      known?.directory.ownerOf(repository)?.path ?? guessedProject(repository, depth),
    warnings: known?.warnings ?? [],
  };
}
