import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError, UsageError } from "../../errors.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import { readGitLabPolicies } from "../../operations/cleanup/gitlab-policies.ts";
import type { PolicySet } from "../../operations/cleanup/policy.ts";
import { parsePolicyFile } from "../../operations/cleanup/policy-file.ts";
import type { CommandContext } from "../context.ts";
import { openGitLab } from "../gitlab/open-gitlab.ts";
import type { PlanFlags, PolicyFlags } from "./cleanup-flags.ts";

/**
 * Reads the policies that the command line names; of a GitLab only those of the projects that it names, if it names any. To be called before the store is opened, when root becomes another user, who may not be
 * allowed to read them.
 *
 * @throws {UsageError} if it names none, or two places, or a project that GitLab does not have
 * @throws {ConfigError} if the file is not there, or wrong
 */
export async function readPolicies(
  context: CommandContext,
  flags: PolicyFlags & Pick<PlanFlags, "project">,
): Promise<PolicySet> {
  const { policies: file, gitlab: address, project: projects } = flags;
  if ((file === undefined) === (address === undefined)) {
    throw new UsageError("say where the policies are: --policies FILE or --gitlab https://…", {
      hint: "registry-ctl cleanup --help shows such a file",
    });
  }
  const gitlab = await openGitLab(context, flags);
  if (gitlab === undefined) return readPolicyFile(context, file ?? "");
  const progress = context.progress(`reading the policies of ${gitlab.name}`, flags);
  try {
    return await readGitLabPolicies(gitlab, {
      projects,
      signal: context.signal,
      onProject: (found) =>
        progress.update(() => `reading the policies of ${gitlab.name}: ${found} projects`),
    });
  } finally {
    progress.stop();
  }
}

/**
 * Reads a file of policies.
 *
 * @throws {ConfigError} if it is not there, or wrong
 */
export async function readPolicyFile(context: CommandContext, file: string): Promise<PolicySet> {
  let text: string;
  try {
    text = await readFile(resolve(context.cwd, file), "utf8");
  } catch (cause) {
    throw new ConfigError(`--policies ${file} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
  return parsePolicyFile(text, file);
}
