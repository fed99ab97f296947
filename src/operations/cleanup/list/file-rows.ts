import type { GitLabPolicy } from "../../../client/gitlab/gitlab-project.ts";
import { guessedProject } from "../../usage/usage-groups.ts";
import { matchPolicy } from "../match-policy.ts";
import type { CleanupPolicy, ProjectPolicy } from "../policy.ts";
import type { FindProject } from "./gather-projects.ts";
import { GUESSED_SEGMENTS } from "./list-report.ts";

/** @returns what says which policy of a file is for a repository; projects without one are guessed */
export function findAmongPolicies(
  policies: readonly ProjectPolicy[],
  nextRunOf: (project: string) => string | null,
): FindProject {
  return (repository) => {
    const matched = matchPolicy(policies, repository);
    if (matched === undefined) {
      const project = guessedProject(repository, GUESSED_SEGMENTS);
      return { key: project, project: () => ({ project, isGuess: true, policy: null }) };
    }
    const { project, entry } = matched;
    const policy = shownPolicy(entry.policy, nextRunOf(project));
    const isGuess = entry.project.includes("*");
    return { key: project, project: () => ({ project, isGuess, policy, origin: entry.origin }) };
  };
}

function shownPolicy(policy: CleanupPolicy, nextRunAt: string | null): GitLabPolicy {
  const { enabled, cadence, keepN, olderThan, nameRegexDelete, nameRegexKeep } = policy;
  return {
    ...{ enabled, cadence, keepN: keepN ?? null, olderThan: olderThan ?? null },
    ...{ nameRegexDelete: nameRegexDelete ?? null, nameRegexKeep: nameRegexKeep ?? null, nextRunAt },
  };
}
