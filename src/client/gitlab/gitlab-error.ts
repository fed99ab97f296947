import { RegistryCtlError } from "../../errors.ts";

/** What went wrong between us and GitLab. */
export interface GitLabErrorOptions {
  hint?: string | undefined;
  cause?: unknown;
  /** Of the answer; undefined: there was none. */
  status?: number | undefined;
  /** Asking again may help. */
  isPassing?: boolean;
  /** Other requests will fare no better: the token is not accepted, GitLab is not reached, or what answers is no GitLab. */
  isFinal?: boolean;
}

/** GitLab gives no answer, refuses, or gives an answer that is of no use. Nothing in it is secret. */
export class GitLabError extends RegistryCtlError {
  override readonly name: string = "GitLabError";
  readonly status: number | undefined;
  readonly isPassing: boolean;
  readonly isFinal: boolean;

  constructor(message: string, options: GitLabErrorOptions = {}) {
    super("ERR_GITLAB", message, options);
    this.status = options.status;
    this.isPassing = options.isPassing ?? false;
    this.isFinal = options.isFinal ?? false;
  }
}
