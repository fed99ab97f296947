import { parseGitLabAddress } from "../../src/client/gitlab/gitlab-address.ts";
import { GitLabApi } from "../../src/client/gitlab/gitlab-api.ts";
import { GitLabHttp, type GitLabHttpOptions } from "../../src/client/gitlab/gitlab-http.ts";

/** Our client for a GitLab, which does not wait: how long it would have is kept. */
export function gitLabClient(
  url: string,
  token: string,
  options: Partial<GitLabHttpOptions> = {},
): { api: GitLabApi; waits: number[]; close: () => Promise<void> } {
  const waits: number[] = [];
  const wait = async (waitMs: number): Promise<void> => {
    waits.push(waitMs);
  };
  const address = parseGitLabAddress(url);
  const http = new GitLabHttp({ address, token, env: {}, userAgent: "test", wait, ...options });
  return { api: new GitLabApi(http), waits, close: () => http.close() };
}
