import { groupBy } from "../../lib/group-by.ts";
import type { UsageGroup } from "./measure-groups.ts";
import type { KnownProject, ProjectDirectory } from "./projects.ts";
import type { UsageModel, UsageRepository } from "./usage-model.ts";

/** How repositories are told to be a project's. */
export interface ProjectChoice {
  /** The projects that somebody has named; undefined: nobody has. */
  directory: ProjectDirectory | undefined;
  /** So many segments of a name are taken for the project where nobody has named it. */
  depth: number;
}

/** Repositories of one project. */
export interface ProjectGroup extends UsageGroup {
  /** Undefined: its name is a guess. */
  project: KnownProject | undefined;
}

/** @returns each repository by itself, in key order */
export function repositoryGroups({ repositories }: UsageModel): UsageGroup[] {
  return repositories.map((repository) => ({ name: repository.name, repositories: [repository] }));
}

/** @returns the projects that have repositories, in the order of their first ones; parked ones by their old names */
export function projectGroups({ repositories }: UsageModel, choice: ProjectChoice): ProjectGroup[] {
  const known = new Map<string, KnownProject>();
  const groups = groupBy(repositories, ({ name }: UsageRepository) => {
    const project = choice.directory?.ownerOf(name);
    if (project === undefined) return guessedProject(name, choice.depth);
    known.set(project.path, project);
    return project.path;
  });
  return [...groups].map(([name, members]) => ({ name, repositories: members, project: known.get(name) }));
}

/** @returns the first segments of a repository's name, or all of it if there are no more */
export function guessedProject(name: string, depth: number): string {
  return name.split("/").slice(0, depth).join("/");
}
