import { RegistryCtlError } from "../../errors.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import type { TagSource } from "../tags/tag-source.ts";
import { type CleanupRules, compileRules } from "./cleanup-rules.ts";
import { type DecisionOptions, decideRepository, type RepositoryDecision } from "./decide-repository.ts";
import type { CleanupStep } from "./decide-tags.ts";
import { matchPolicy } from "./match-policy.ts";
import type { CleanupPolicy, ProjectPolicy } from "./policy.ts";

/** One step of a policy, as far as it was taken for a tag. */
export interface ExplainedStep {
  step: Exclude<CleanupStep, "delete">;
  isKept: boolean;
  /** A clause for people that says why. */
  why: string;
}

/** Why a tag stays or goes: the body of `--json`. */
export interface TagExplanation {
  schemaVersion: 1;
  command: "cleanup explain";
  repository: string;
  tag: string;
  asOf: string;
  /** Left out where its name decides, or its link is broken. */
  digest?: string;
  createdAt?: string;
  /** The policy that is for it; left out if there is none. */
  policy?: { for: string; from: string; project: string } & CleanupPolicy;
  isDeleted: boolean;
  /** `no_policy`, `switched_off` and `unreadable` are no steps: nothing of the repository is deleted. */
  decidedBy: CleanupStep | "no_policy" | "switched_off" | "unreadable";
  steps: ExplainedStep[];
  /** Why nothing of the repository is deleted, although the steps say so. */
  problem?: string;
}

/**
 * Says which step of its policy keeps a tag, or that none does. Nothing is changed.
 *
 * @throws {RegistryCtlError} if there is no such tag, or its repository cannot be read
 */
export async function explainTag(
  source: TagSource,
  { repository, tag }: { repository: string; tag: string },
  policies: readonly ProjectPolicy[],
  options: DecisionOptions,
): Promise<TagExplanation> {
  const matched = matchPolicy(policies, repository);
  const explanation: TagExplanation = {
    ...{ schemaVersion: 1, command: "cleanup explain", repository, tag },
    asOf: new Date(options.nowMs).toISOString(),
    ...{ isDeleted: false, decidedBy: "no_policy", steps: [] },
  };
  if (matched === undefined) {
    if (!(await source.names(repository, options.signal)).includes(tag)) throw noSuchTag(repository, tag);
    return explanation;
  }
  const { entry, project } = matched;
  explanation.policy = { for: entry.project, from: entry.origin, project, ...entry.policy };
  const rules = compileRules(entry.policy);
  const decision = await decideRepository(source, repository, rules, options);
  const step = decision.steps.get(tag);
  if (step === undefined) throw noSuchTag(repository, tag);
  const examined = decision.examined.find(({ name }) => name === tag);
  if (examined?.digest !== undefined) explanation.digest = examined.digest;
  if (examined?.createdMs !== undefined) explanation.createdAt = new Date(examined.createdMs).toISOString();
  explanation.steps = stepsOf(tag, step, { decision, rules, options });
  explanation.decidedBy = step;
  if (!entry.policy.enabled) explanation.decidedBy = "switched_off";
  else if (decision.problem !== undefined) {
    explanation.problem = decision.problem;
    if (step === "delete") explanation.decidedBy = "unreadable";
  }
  return { ...explanation, isDeleted: explanation.decidedBy === "delete" };
}

const ORDER: readonly ExplainedStep["step"][] = [
  "latest",
  "name_regex_delete",
  "name_regex_keep",
  "max_list_size",
  "no_manifest",
  "keep_n",
  "older_than",
  "protected",
];

interface Decided {
  decision: RepositoryDecision;
  rules: CleanupRules;
  options: DecisionOptions;
}

function stepsOf(tag: string, decidedBy: CleanupStep, decided: Decided): ExplainedStep[] {
  const taken = decidedBy === "delete" ? ORDER : ORDER.slice(0, ORDER.indexOf(decidedBy) + 1);
  return taken.map((step) => {
    const isKept = step === decidedBy;
    return { step, isKept, why: whyOf(step, tag, isKept, decided) };
  });
}

function whyOf(step: ExplainedStep["step"], tag: string, isKept: boolean, decided: Decided): string {
  const { decision, rules, options } = decided;
  switch (step) {
    case "latest":
      return isKept ? "a tag named latest is never deleted" : "its name is not latest";
    case "name_regex_delete":
      return rules.deletes === undefined
        ? "there is no pattern, and an empty one matches nothing"
        : `its name ${isKept ? "does not match" : "matches"} ${JSON.stringify(rules.deletes.source)}`;
    case "name_regex_keep":
      return rules.keeps === undefined
        ? "there is no pattern"
        : `its name ${isKept ? "matches" : "does not match"} ${JSON.stringify(rules.keeps.source)}`;
    case "max_list_size":
      if (options.maxListSize === 0) return "there is no limit";
      return isKept
        ? `it is not among the ${options.maxListSize + (rules.keepN ?? 0)} tags of this run; a later one comes to it`
        : "it is among the tags of this run";
    case "no_manifest":
      return isKept ? "its manifest is not there" : "it has a manifest";
    case "keep_n":
      return whyByNumber(tag, decision, rules);
    case "older_than":
      return whyByAge(tag, decided);
    case "protected":
      if (!isKept) return "neither it nor an image of its index is protected";
      return decision.doubtful.get(tag) ?? "it, or an image of its index, is protected";
  }
}

function whyByNumber(tag: string, { examined, steps }: RepositoryDecision, { keepN }: CleanupRules): string {
  if (keepN === undefined) return "there is no such number";
  const counted = examined.filter(({ name }) => steps.get(name) !== "no_manifest");
  const rank = counted.findIndex(({ name }) => name === tag) + 1;
  return `it is number ${rank} of ${counted.length}, the newest first, and the newest ${keepN} stay`;
}

function whyByAge(tag: string, { decision, rules, options }: Decided): string {
  const { olderThanMs } = rules;
  if (olderThanMs === undefined) return "there is no such time";
  const createdMs = decision.examined.find(({ name }) => name === tag)?.createdMs;
  if (createdMs === undefined) return "it does not say when it was created, so that it is older than nothing";
  const bound = `what was created before ${new Date(options.nowMs - olderThanMs).toISOString()} may go`;
  const ageMs = options.nowMs - createdMs;
  const age = ageMs < 0 ? "in the future" : `${formatSpan(ageMs / 1000)} ago`;
  return `it was created ${new Date(createdMs).toISOString()}, ${age}, and ${bound}`;
}

function noSuchTag(repository: string, tag: string): RegistryCtlError {
  return new RegistryCtlError("ERR_NO_SUCH_TAG", `there is no tag ${repository}:${tag}`, {
    hint: "give it as REPOSITORY:TAG, without the registry's host",
  });
}
