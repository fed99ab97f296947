import type { ProjectPolicy } from "./policy.ts";

/** A policy that is for a repository, with the project that it takes the repository for a part of. */
export interface MatchedPolicy {
  entry: ProjectPolicy;
  /** The first components of the repository's name, as many as the policy's path has: the project itself where that has no `*`. */
  project: string;
}

/**
 * Finds the policy of a repository: of those whose path fits its name, or the first components of its name, the most specific: the one
 * with more components; of as many, the one with more characters but `*`; of as many again, the first.
 *
 * @param policies - switched off ones too: a project that has one is not for a wider policy
 * @returns `undefined` if there is none
 */
export function matchPolicy(
  policies: readonly ProjectPolicy[],
  repository: string,
): MatchedPolicy | undefined {
  const components = repository.split("/");
  let best: MatchedPolicy | undefined;
  for (const entry of policies) {
    const wanted = entry.project.split("/");
    if (wanted.length > components.length) continue;
    if (!wanted.every((each, index) => fits(each, components[index] ?? ""))) continue;
    if (best && compareWidths(best.entry.project, entry.project) <= 0) continue;
    best = { entry, project: components.slice(0, wanted.length).join("/") };
  }
  return best;
}

/** @returns whether a repository is that of a project, or below it */
export function isOfProject(repository: string, project: string): boolean {
  return repository === project || repository.startsWith(`${project}/`);
}

function fits(wanted: string, component: string): boolean {
  const [first = "", ...rest] = wanted.split("*");
  const last = rest.pop();
  if (last === undefined) return wanted === component;
  if (component.length < first.length + last.length) return false;
  if (!component.startsWith(first) || !component.endsWith(last)) return false;
  const end = component.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = component.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** @returns below 0 if `a` is the more specific, above 0 if `b` is */
function compareWidths(a: string, b: string): number {
  const components = b.split("/").length - a.split("/").length;
  return components || fixedCharacters(b) - fixedCharacters(a);
}

function fixedCharacters(path: string): number {
  return path.replaceAll("*", "").length;
}
