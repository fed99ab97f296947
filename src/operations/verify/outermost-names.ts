import { checkRepositoryName } from "../../oci/reference.ts";

/**
 * Checks names of repositories, and leaves out those that lie below another one.
 *
 * @throws {InvalidReferenceError} if one is not the name of a repository
 */
export function outermostNames(names: readonly string[]): string[] {
  for (const name of names) checkRepositoryName(name);
  return [...new Set(names)].filter((name) => !names.some((other) => name.startsWith(`${other}/`)));
}
