import type { Command } from "commander";

/** What the options of {@link withGitLab} give. */
export interface GitLabFlags {
  /** `--gitlab URL`. */
  gitlab?: string;
  gitlabTokenFile?: string;
  gitlabCa?: string;
}

/** Adds `--gitlab` and what belongs to it. */
export function withGitLab(command: Command, use: string): Command {
  return command
    .option("--gitlab <url>", `GitLab's address, ${use}`)
    .option(
      "--gitlab-token-file <file>",
      "file with a token for GitLab's API (default: what GITLAB_TOKEN holds)",
    )
    .option(
      "--gitlab-ca <file>",
      "PEM file with certificates that are trusted beside the usual ones when GitLab is asked (also: NODE_EXTRA_CA_CERTS)",
    );
}
