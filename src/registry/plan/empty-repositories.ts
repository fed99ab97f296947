import { REPOSITORIES_ROOT } from "../paths.ts";
import { repositoryNameOf } from "../scan/scan-repositories.ts";

/** Finds repositories in which there are empty folders and nothing else that a catalog shows. */
export class EmptyRepositories {
  readonly #empty = new Set<string>();
  readonly #shown = new Set<string>();

  /** In the order of their names. */
  get names(): readonly string[] {
    return [...this.#empty].sort();
  }

  /** Takes a repository that has something, whatever is found of it before or after. */
  addShown(name: string): void {
    this.#shown.add(name);
    this.#empty.delete(name);
  }

  /** Takes a repository that turned out to have folders without a link only. */
  addEmpty(name: string): void {
    this.#empty.add(name);
  }

  /** Takes an empty folder. Some catalogs go by a repository's manifests, some by its layers. */
  addEmptyFolder(path: string): void {
    const name = repositoryNameOf(path);
    if (name === undefined || this.#shown.has(name)) return;
    const [folder] = path.slice(REPOSITORIES_ROOT.length + 1 + name.length + 1).split("/");
    if (folder === "_manifests" || folder === "_layers") this.#empty.add(name);
  }
}
