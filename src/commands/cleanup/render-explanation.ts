import type { TagExplanation } from "../../operations/cleanup/explain-tag.ts";

/** @returns why a tag stays or goes: the answer first, then its policy and the steps that were taken */
export function renderExplanation(explanation: TagExplanation): string {
  const { repository, tag, policy, digest, createdAt, steps, problem } = explanation;
  const lines = [`${repository}:${tag} ${answerOf(explanation)}`, ""];
  if (digest !== undefined) lines.push(`digest    ${digest}`);
  if (createdAt !== undefined) lines.push(`created   ${createdAt}`);
  if (policy !== undefined) lines.push(`policy    ${policy.for} (${policy.from}), every ${policy.cadence}`);
  lines.push(`tried on  ${explanation.asOf}`);
  if (problem !== undefined) lines.push(`problem   ${problem}`);
  if (steps.length > 0) lines.push("");
  const width = Math.max(0, ...steps.map(({ step }) => step.length));
  for (const { step, isKept, why } of steps) {
    lines.push(`${isKept ? "stays " : "passes"}  ${step.padEnd(width)}  ${why}`);
  }
  return lines.join("\n");
}

function answerOf({ decidedBy }: TagExplanation): string {
  switch (decidedBy) {
    case "no_policy":
      return "stays: no policy is for its repository";
    case "switched_off":
      return "stays: its policy is switched off (the steps are what it would say)";
    case "unreadable":
      return "stays for now: nothing of its repository is deleted";
    case "delete":
      return "goes: no step keeps it";
    default:
      return `stays by ${decidedBy}`;
  }
}
