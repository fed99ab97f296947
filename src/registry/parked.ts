import { isRepositoryName } from "../oci/reference.ts";

/**
 * The first component of the names of parked repositories: those that a move has taken from their old name and not yet
 * given their new one.
 *
 * Capital letters make it no repository name: no client can name what is below, and no project of GitLab, whose paths in
 * tokens are lower-case, reaches it. They also make it what Distribution's grammar takes for the host of a reference, so
 * that the Go registry's garbage collection, which reads the names of folders by that grammar, still finds the
 * repositories below and keeps what they need; a folder with an underscore in front it would pass over.
 * @see https://github.com/distribution/distribution/blob/v2.8.2/reference/regexp.go (`anchoredNameRegexp`)
 * @see https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/catalog.go (`handleRepository`)
 */
const PARKED = "REGISTRY-CTL-PARKED";

/** Tells whether a repository of the store is parked by a move: under no name that a client can use. */
export function isParked(name: string): boolean {
  return originOfParked(name) !== undefined;
}

/** @returns the name below which a parked repository lies in the store */
export function parkedName(repository: string): string {
  return `${PARKED}/${repository}`;
}

/** @returns the name that a parked repository had before; undefined for a name that is not parked */
export function originOfParked(name: string): string | undefined {
  if (!name.startsWith(`${PARKED}/`)) return undefined;
  const origin = name.slice(PARKED.length + 1);
  return isRepositoryName(origin) ? origin : undefined;
}

/** Tells whether a name is one that a repository in the store may have: that of a repository, or a parked one. */
export function isStoredName(name: string): boolean {
  return isRepositoryName(name) || isParked(name);
}
