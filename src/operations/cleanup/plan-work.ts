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
  /** The names of all repositories that there are. */
  all: ReadonlySet<string>;
}

/**
 * Lists the repositories and gives each to its policy.
 *
 * @param only - only the repositories of these projects
 * @throws {UsageError} if there is no policy for one of `only`
 * @throws {InvalidPatternError} if a pattern is none of RE2's
 */
export async function planWork(
  source: TagSource,
  policies: readonly ProjectPolicy[],
  only: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<PlannedWork> {
  const rules = new Map(policies.map((entry) => [entry, compileRules(entry.policy)]));
  const projects = new Map<string, ProjectWork>();
  const without: string[] = [];
  const all = new Set<string>();
  for await (const repository of source.repositories(signal)) {
    all.add(repository);
    if (only?.some((each) => isOfProject(repository, each)) === false) continue;
    const matched = matchPolicy(policies, repository);
    const compiled = matched && rules.get(matched.entry);
    if (matched === undefined || compiled === undefined) {
      without.push(repository);
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
  const found = [...projects.values()].flatMap(({ repositories }) => repositories);
  for (const project of only ?? []) {
    if (found.some((repository) => isOfProject(repository, project))) continue;
    throw noPolicyFor(
      project,
      without.some((repository) => isOfProject(repository, project)),
    );
  }
  return { projects: [...projects.values()], withoutPolicy: without.length, all };
}

function noPolicyFor(project: string, isThere: boolean): UsageError {
  if (isThere) {
    return new UsageError(`no policy is for ${project}`, {
      hint: "write one, or look for a slip in its path",
    });
  }
  return new UsageError(`there is no repository ${project}, and none below it`, {
    hint: "give the project's path as the registry has it, such as group/project, in lower case",
  });
}
