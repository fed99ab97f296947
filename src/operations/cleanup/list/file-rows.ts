import type { GitLabPolicy } from "../../../client/gitlab/gitlab-project.ts";
import type { CleanupMemory } from "../../../state/cleanup-memory.ts";
import { guessedProject } from "../../usage/usage-groups.ts";
import { dueMs } from "../due.ts";
import { matchPolicy } from "../match-policy.ts";
import type { CleanupPolicy, ProjectPolicy } from "../policy.ts";
import type { FindProject } from "./gather-projects.ts";
import { GUESSED_SEGMENTS } from "./list-report.ts";

/**
 * @param memory - what is known of runs before
 * @returns what says which policy of a file is for a repository; projects without one are guessed
 */
export function findAmongPolicies(
  policies: readonly ProjectPolicy[],
  memory: Pick<CleanupMemory, "lastRunOf">,
  nowMs: number,
): FindProject {
  return (repository) => {
    const matched = matchPolicy(policies, repository);
    if (matched === undefined) {
      const project = guessedProject(repository, GUESSED_SEGMENTS);
      return { key: project, project: () => ({ project, isGuess: true, policy: null }) };
    }
    const { project, entry } = matched;
    const dueAtMs = dueMs(memory.lastRunOf(project), entry.policy.cadence, nowMs);
    const policy = shownPolicy(entry.policy, new Date(dueAtMs).toISOString());
    const isGuess = entry.project.includes("*");
    return { key: project, project: () => ({ project, isGuess, policy, origin: entry.origin }) };
  };
}

function shownPolicy(policy: CleanupPolicy, nextRunAt: string): GitLabPolicy {
  const { enabled, cadence, keepN, olderThan, nameRegexDelete, nameRegexKeep } = policy;
  return {
    ...{ enabled, cadence, keepN: keepN ?? null, olderThan: olderThan ?? null },
    ...{ nameRegexDelete: nameRegexDelete ?? null, nameRegexKeep: nameRegexKeep ?? null, nextRunAt },
  };
}
