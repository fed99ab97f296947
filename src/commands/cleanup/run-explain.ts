import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { checkRepositoryName, checkTag } from "../../oci/reference.ts";
import { explainTag } from "../../operations/cleanup/explain-tag.ts";
import { DEFAULT_LIMITS } from "../../operations/cleanup/policy.ts";
import type { CommandContext } from "../context.ts";
import { openTagSource } from "../tags/open-tag-source.ts";
import { readProtectFile } from "../tags/read-protect-file.ts";
import type { PolicyFlags } from "./cleanup-flags.ts";
import { openMemory } from "./open-memory.ts";
import { readPolicies } from "./read-policies.ts";
import { renderExplanation } from "./render-explanation.ts";
import { tellWarnings } from "./run-policies.ts";

/** Runs `cleanup explain`. */
export async function runExplain(
  context: CommandContext,
  reference: string,
  argument: string | undefined,
  flags: PolicyFlags,
): Promise<void> {
  const named = parseReference(reference);
  const policies = await readPolicies(context, flags);
  const protectedImages = await readProtectFile(context, flags.protect);
  tellWarnings(context, policies, flags, false);
  const opened = await openTagSource(context, argument, flags, {
    command: "cleanup explain",
    access: "look",
  });
  try {
    const { memory } = openMemory(context, opened, flags, false);
    const explanation = await explainTag(opened.source, named, policies.policies, {
      nowMs: flags.asOf ?? Date.now(),
      maxListSize: flags.maxListSize ?? policies.limits.maxListSize ?? DEFAULT_LIMITS.maxListSize,
      continueAfter: memory.continueAfter(named.repository),
      protectedImages,
      signal: context.signal,
    });
    context.report(explanation, (result) => printable(renderExplanation(result)), flags);
  } finally {
    opened.close();
  }
}

/** @throws {UsageError} if it is no `REPOSITORY:TAG` */
function parseReference(reference: string): { repository: string; tag: string } {
  const colon = reference.lastIndexOf(":");
  if (colon < 0) {
    throw new UsageError(`${JSON.stringify(reference)} names no tag`, {
      hint: "give it as REPOSITORY:TAG, such as group/project:v1",
    });
  }
  const named = { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
  try {
    checkRepositoryName(named.repository);
    checkTag(named.tag);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : "it is no tag", {
      hint: "give it as REPOSITORY:TAG, without the registry's host",
      cause,
    });
  }
  return named;
}
