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
 * @param policies - switched off ones too: a project that has one is not for a wider policy; not to be changed afterwards
 * @returns `undefined` if there is none
 */
export function matchPolicy(
  policies: readonly ProjectPolicy[],
  repository: string,
): MatchedPolicy | undefined {
  const { exact, wide } = indexOf(policies);
  const components = repository.split("/");
  let best = exactly(exact, components);
  for (const candidate of wide) {
    const { components: wanted } = candidate;
    if (wanted.length > components.length) continue;
    if (best && compareCandidates(best, candidate) <= 0) continue;
    if (wanted.every((each, index) => fits(each, components[index] ?? ""))) best = candidate;
  }
  return best && { entry: best.entry, project: components.slice(0, best.components.length).join("/") };
}

/** A policy, ready to be compared with names. */
interface Candidate {
  entry: ProjectPolicy;
  /** Its place among all. */
  order: number;
  components: string[];
  /** Characters but `*`. */
  fixed: number;
}

interface PolicyIndex {
  /** By their paths, those that have no `*`: a GitLab has one for each of its projects. */
  exact: ReadonlyMap<string, Candidate>;
  wide: readonly Candidate[];
}

const indexes = new WeakMap<readonly ProjectPolicy[], PolicyIndex>();

function indexOf(policies: readonly ProjectPolicy[]): PolicyIndex {
  const known = indexes.get(policies);
  if (known) return known;
  const exact = new Map<string, Candidate>();
  const wide: Candidate[] = [];
  for (const [order, entry] of policies.entries()) {
    const { project } = entry;
    const fixed = project.replaceAll("*", "").length;
    const candidate = { entry, order, components: project.split("/"), fixed };
    if (fixed < project.length) wide.push(candidate);
    else if (!exact.has(project)) exact.set(project, candidate);
  }
  const index = { exact, wide };
  indexes.set(policies, index);
  return index;
}

function exactly(exact: PolicyIndex["exact"], components: readonly string[]): Candidate | undefined {
  for (let count = components.length; count > 0; count--) {
    const found = exact.get(components.slice(0, count).join("/"));
    if (found) return found;
  }
  return undefined;
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
function compareCandidates(a: Candidate, b: Candidate): number {
  return b.components.length - a.components.length || b.fixed - a.fixed || a.order - b.order;
}
