import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseGitLabAddress } from "../../client/gitlab/gitlab-address.ts";
import { GitLabApi } from "../../client/gitlab/gitlab-api.ts";
import { gitLabTokenOf } from "../../client/gitlab/gitlab-token.ts";
import { UsageError } from "../../errors.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import type { GitLabFlags } from "../../ui/options/gitlab.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { readAuthority } from "../over-http/read-authority.ts";

/** Waits that are longer are told. */
const LONG_WAIT_MS = 2000;

/**
 * Prepares to ask the GitLab that `--gitlab` names; nothing is sent yet. Reads the token, which root may have to do before it becomes
 * another user: to be called before `openStorage`.
 *
 * @returns undefined without `--gitlab`
 * @throws {UsageError} if address, token or certificates are of no use
 */
export async function openGitLab(
  context: CommandContext,
  flags: GitLabFlags & GlobalFlags,
): Promise<GitLabApi | undefined> {
  const { gitlab, gitlabTokenFile, gitlabCa } = flags;
  if (gitlab === undefined) {
    const lost = gitlabTokenFile === undefined ? gitlabCa && "--gitlab-ca" : "--gitlab-token-file";
    if (lost) throw new UsageError(`${lost} is of no use without --gitlab https://…`);
    return undefined;
  }
  const { env, version } = context;
  const address = parseGitLabAddress(gitlab);
  const file =
    gitlabTokenFile === undefined
      ? undefined
      : { name: gitlabTokenFile, text: await readTokenFile(context, gitlabTokenFile) };
  // Most do without, and it takes a tenth of a second.
  const { GitLabHttp } = await import("../../client/gitlab/gitlab-http.ts");
  const http = new GitLabHttp({
    ...{ address, token: gitLabTokenOf({ file, env }), env, userAgent: `registry-ctl/${version}` },
    ca: await readAuthority(context, gitlabCa, "--gitlab-ca"),
    wait: async (waitMs, why, signal) => {
      if (waitMs >= LONG_WAIT_MS) {
        context.notice(`${why.message}; asking again in ${Math.ceil(waitMs / 1000)} s`, flags);
      }
      await sleep(waitMs, undefined, signal ? { signal } : {}).catch(() => undefined);
    },
  });
  return new GitLabApi(http);
}

async function readTokenFile({ cwd }: CommandContext, file: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), "utf8");
  } catch (cause) {
    throw new UsageError(`--gitlab-token-file ${file} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
}
