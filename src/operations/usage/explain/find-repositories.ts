import { distance } from "fastest-levenshtein";
import { UsageError } from "../../../errors.ts";
import type { UsageModel, UsageRepository } from "../usage-model.ts";

/**
 * Finds the repositories of a project.
 *
 * @param project - name of a group, a project or a repository: all repositories below it count
 * @throws {UsageError} if there is none, with the name that is nearest
 */
export function repositoriesOf(
  { repositories, isFreeable }: UsageModel,
  project: string,
  projectOf: (repository: string) => string,
): UsageRepository[] {
  const found = repositories.filter(
    ({ name }) => name === project || name.startsWith(`${project}/`) || projectOf(name) === project,
  );
  if (found.length > 0) return found;
  const near = nearestName(
    project,
    repositories.map(({ name }) => name),
  );
  const doubt = isFreeable ? "" : "; some repositories could not be listed";
  throw new UsageError(`there is no project or repository ${JSON.stringify(project)}${doubt}`, {
    hint:
      near === undefined
        ? "look at the names with registry-ctl usage"
        : `did you mean ${near}? registry-ctl usage lists all`,
  });
}

/** @returns the repository, or what it stands below, whose name is most like `wanted`; undefined if none is */
export function nearestName(wanted: string, repositories: Iterable<string>): string | undefined {
  const names = new Set<string>();
  for (const repository of repositories) {
    const parts = repository.split("/");
    for (let count = 1; count <= parts.length; count++) names.add(parts.slice(0, count).join("/"));
  }
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const lower = wanted.toLowerCase();
  let best: { name: string; distance: number } | undefined;
  for (const name of names) {
    // Somebody may have left out the group, or named it by the last part only.
    const far = name.endsWith(`/${lower}`) ? 1 : distance(lower, name);
    if (far <= limit && (best === undefined || far < best.distance)) best = { name, distance: far };
  }
  return best?.name;
}
