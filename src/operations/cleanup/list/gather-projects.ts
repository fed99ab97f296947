import type { ListedProject } from "./list-report.ts";

/** Says to which project a repository belongs; the same project has the same key. */
export type FindProject = (repository: string) => { key: string; project: () => ListedProject };

/**
 * @param repositories - the names of all
 * @returns the projects that have any, with how many
 */
export async function gatherProjects(
  repositories: AsyncIterable<string>,
  findProject: FindProject,
  onRepository?: (found: number) => void,
): Promise<ListedProject[]> {
  const projects = new Map<string, ListedProject>();
  let found = 0;
  for await (const repository of repositories) {
    const { key, project } = findProject(repository);
    const listed = projects.get(key) ?? project();
    listed.repositories = (listed.repositories ?? 0) + 1;
    projects.set(key, listed);
    found++;
    onRepository?.(found);
  }
  return [...projects.values()];
}
