/** A project that somebody has named: GitLab, or a file. */
export interface KnownProject {
  /** As it is written there; the registry has it in small letters. */
  path: string;
  /** GitLab's; undefined where nobody says. */
  id: number | undefined;
  creatorId: number | undefined;
}

/**
 * Tells which project a repository belongs to: the one whose path, in small letters as GitLab writes it into names of images,
 * is the repository's name or the beginning of it, up to a `/`. Of several the longest.
 *
 * @see https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/models/project.rb (`container_registry_url`)
 */
export class ProjectDirectory<Project extends KnownProject = KnownProject> {
  readonly #projects = new Map<string, Project>();

  /** @param projects - of those whose paths differ in capital letters only, the last one counts */
  constructor(projects: Iterable<Project>) {
    for (const project of projects) this.#projects.set(registryPathOf(project.path), project);
  }

  /** How many projects are known. */
  get size(): number {
    return this.#projects.size;
  }

  /** @returns the project that a repository belongs to; undefined if none is known */
  ownerOf(repository: string): Project | undefined {
    for (let end = repository.length; end > 0; end = repository.lastIndexOf("/", end - 1)) {
      const project = this.#projects.get(repository.slice(0, end));
      if (project !== undefined) return project;
    }
    return undefined;
  }

  /** @returns the project with the ids that are known for exactly its path, where it has none itself */
  withIds({ path, id, creatorId }: KnownProject): KnownProject {
    const known = this.#projects.get(registryPathOf(path));
    return { path: known?.path ?? path, id: id ?? known?.id, creatorId: creatorId ?? known?.creatorId };
  }

  /** @returns all projects, as they were named */
  [Symbol.iterator](): Iterator<Project> {
    return this.#projects.values();
  }
}

/** @returns the first part of the names of a project's repositories */
export function registryPathOf(projectPath: string): string {
  return projectPath.toLowerCase();
}
