import { UsageError } from "../../errors.ts";

const SCOPES = "an administrator's personal access token with the scope read_api, or api to change policies";

/** Where a token may come from. */
export interface TokenSources {
  /** What the file named by `--gitlab-token-file` holds, if one is named. */
  file?: { name: string; text: string } | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * @returns the token that is shown to GitLab: of the file, else of GITLAB_TOKEN
 * @throws {UsageError} if there is none, or it cannot be one; without anything of what it holds
 */
export function gitLabTokenOf({ file, env }: TokenSources): string {
  if (file !== undefined) return checked(file.text, file.name);
  if (env["GITLAB_TOKEN"]) return checked(env["GITLAB_TOKEN"], "GITLAB_TOKEN");
  // Jobs' tokens reach few parts of the API, and neither the list of projects nor their settings.
  // See https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access
  const isJob = Boolean(env["CI_JOB_TOKEN"]);
  throw new UsageError(
    isJob
      ? "there is no token for GitLab: CI_JOB_TOKEN cannot read projects"
      : "there is no token for GitLab",
    { hint: `name a file with --gitlab-token-file, or set GITLAB_TOKEN: ${SCOPES}` },
  );
}

function checked(text: string, name: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new UsageError(
    token === "" ? `${name} is empty, and should hold a token` : `what ${name} holds is no token`,
    { hint: `it is to hold one line: ${SCOPES}` },
  );
}
