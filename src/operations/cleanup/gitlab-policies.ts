import type { GitLabApi } from "../../client/gitlab/gitlab-api.ts";
import type { GitLabPolicy, GitLabProject } from "../../client/gitlab/gitlab-project.ts";
import { readGitLabProjects } from "../../client/gitlab/read-projects.ts";
import { UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { printableLine } from "../../lib/printable.ts";
import { compilePattern } from "../../lib/re2-pattern.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import { registryPathOf } from "../usage/projects.ts";
import { CADENCES, type CleanupPolicy, type PolicySet, type ProjectPolicy, policySpanMs } from "./policy.ts";
import { warningsOf } from "./policy-warnings.ts";

/** Whose policies are read. */
export interface ReadPoliciesOptions {
  /** Paths of projects; left out: of all that the token sees. */
  projects?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
  /** Called for each project. */
  onProject?: ((found: number) => void) | undefined;
}

/**
 * Reads cleanup policies from GitLab. One that we do not understand is left out, with a warning: what it would delete is not ours to guess.
 *
 * @throws {GitLabError}
 * @throws {UsageError} if a project that is named is not there, or may not be seen
 * @throws {CancelledError}
 */
export async function readGitLabPolicies(
  gitlab: GitLabApi,
  options: ReadPoliciesOptions = {},
): Promise<PolicySet> {
  const { projects, notices } = await readProjects(gitlab, options);
  const policies: ProjectPolicy[] = [];
  const warnings = [...notices];
  for (const { path, policy } of projects) {
    if (policy === undefined) continue;
    const origin = `${gitlab.name}/${printableLine(path)}`;
    const project = registryPathOf(path);
    try {
      if (!isRepositoryName(project)) throw new Error("its path is none that the registry could have");
      policies.push({ project, policy: toCleanupPolicy(policy), origin });
      for (const { text } of warningsOf(policy)) warnings.push(`${origin}: ${text}`);
    } catch (error) {
      if (policy.enabled) warnings.push(`${origin}: the policy is left out: ${messageOf(error)}`);
    }
  }
  return { policies, limits: {}, warnings };
}

async function readProjects(
  gitlab: GitLabApi,
  { projects: paths, signal, onProject }: ReadPoliciesOptions,
): Promise<{ projects: GitLabProject[]; notices: string[] }> {
  if (paths === undefined) return readGitLabProjects(gitlab, { signal, onProject });
  return { projects: await readNamedProjects(gitlab, paths, signal), notices: [] };
}

/**
 * @returns the projects, each once, in the order of their names
 * @throws {UsageError} if one is not there, or may not be seen
 */
export async function readNamedProjects(
  gitlab: GitLabApi,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<GitLabProject[]> {
  const found = new Map<number, GitLabProject>();
  for (const path of new Set(paths)) {
    const project = await gitlab.project(path, { signal });
    if (project === undefined) {
      throw new UsageError(`${gitlab.name} has no project ${path}, or the token may not see it`, {
        hint: "give the path with all its groups, as in the address of the project",
      });
    }
    found.set(project.id, project);
  }
  return [...found.values()];
}

/** @throws {Error} if it holds what GitLab takes and we do not know */
function toCleanupPolicy(policy: GitLabPolicy): CleanupPolicy {
  const { enabled, keepN, olderThan, nameRegexDelete, nameRegexKeep } = policy;
  const cadence = CADENCES.find((known) => known === policy.cadence);
  if (cadence === undefined) throw new Error(`its cadence ${JSON.stringify(policy.cadence)} is not known`);
  if (keepN !== null && !(Number.isSafeInteger(keepN) && keepN >= 0)) {
    throw new Error(`its keep_n ${keepN} is not known`);
  }
  if (olderThan && policySpanMs(olderThan) === undefined) {
    throw new Error(`its older_than ${JSON.stringify(olderThan)} is not known`);
  }
  for (const pattern of [nameRegexDelete, nameRegexKeep]) {
    if (pattern) compilePattern(pattern, { anchored: "gitlab" });
  }
  return {
    ...{ enabled, cadence, keepN: keepN ?? undefined, olderThan: olderThan || undefined },
    ...{ nameRegexDelete: nameRegexDelete || undefined, nameRegexKeep: nameRegexKeep || undefined },
  };
}
