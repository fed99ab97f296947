import { UsageError } from "../../errors.ts";
import type { TagSource } from "../tags/tag-source.ts";
import { type CleanupRules, compileRules } from "./cleanup-rules.ts";
import { isOfProject, matchPolicy } from "./match-policy.ts";
import type { ProjectPolicy } from "./policy.ts";

/** A project with its policy and the repositories that are there. */
export interface ProjectWork {
  project: string;
  entry: ProjectPolicy;
  rules: CleanupRules;
  repositories: string[];
}

/** Which policies are for what is there. */
export interface PlannedWork {
  /** In the order of their repositories' names. */
  projects: ProjectWork[];
  withoutPolicy: number;
}

/**
 * Lists the repositories and gives each to its policy.
 *
 * @param project - only the repositories of this one
 * @throws {UsageError} if there is no policy for `project`
 * @throws {InvalidPatternError} if a pattern is none of RE2's
 */
export async function planWork(
  source: TagSource,
  policies: readonly ProjectPolicy[],
  project: string | undefined,
  signal: AbortSignal | undefined,
): Promise<PlannedWork> {
  const rules = new Map(policies.map((entry) => [entry, compileRules(entry.policy)]));
  const projects = new Map<string, ProjectWork>();
  let withoutPolicy = 0;
  for await (const repository of source.repositories(signal)) {
    if (project !== undefined && !isOfProject(repository, project)) continue;
    const matched = matchPolicy(policies, repository);
    const compiled = matched && rules.get(matched.entry);
    if (matched === undefined || compiled === undefined) {
      withoutPolicy++;
      continue;
    }
    const key = JSON.stringify([matched.project, matched.entry.project]);
    const work = projects.get(key);
    if (work) work.repositories.push(repository);
    else {
      const { entry } = matched;
      projects.set(key, { project: matched.project, entry, rules: compiled, repositories: [repository] });
    }
  }
  if (project !== undefined && projects.size === 0) throw noPolicyFor(project, withoutPolicy);
  return { projects: [...projects.values()], withoutPolicy };
}

function noPolicyFor(project: string, repositories: number): UsageError {
  if (repositories > 0) {
    return new UsageError(`no policy is for ${project}`, {
      hint: "write one, or look for a slip in its path",
    });
  }
  return new UsageError(`there is no repository ${project}, and none below it`, {
    hint: "give the project's path as the registry has it, such as group/project, in lower case",
  });
}
