import { expect, onTestFinished } from "vitest";
import { type FakeGitLab, type FakeGitLabOptions, type FakeProject, startFakeGitLab } from "./fake-gitlab.ts";
import { type ProgramResult, runRegistryCtl } from "./run-registry-ctl.ts";

/** What the fake takes. */
export const TOKEN = "glpat-Secret_of-Nobody99";
/** With the token. */
export const env = { GITLAB_TOKEN: TOKEN };
const POLICY = {
  cadence: "7d",
  enabled: true,
  keep_n: 5,
  older_than: "14d",
  name_regex: ".*",
  name_regex_keep: "v.*",
};

/** Starts a GitLab with these projects until the test ends. */
export async function gitLab(
  projects: FakeProject[],
  options: Partial<FakeGitLabOptions> = {},
): Promise<FakeGitLab> {
  const fake = await startFakeGitLab({ token: TOKEN, projects, ...options });
  onTestFinished(fake.close);
  return fake;
}

/** Runs `cleanup`, and looks that no token is shown. */
export async function runCleanup(args: string[], more: Record<string, string> = env): Promise<ProgramResult> {
  const result = await runRegistryCtl(["cleanup", ...args], { env: more });
  expect(`${result.stdout}${result.stderr}`).not.toContain(TOKEN);
  return result;
}

/** @returns the policies that were written */
export function puts({ requests }: FakeGitLab): unknown[] {
  return requests
    .filter(({ method }) => method === "PUT")
    .map(({ body }) => (body as Record<string, unknown>)["container_expiration_policy_attributes"]);
}

/** Projects of every kind. */
export const projects = (): FakeProject[] => [
  {
    id: 1,
    path_with_namespace: "Group/App",
    container_expiration_policy: { ...POLICY, next_run_at: "2030-01-02T03:04:05.000Z" },
  },
  { id: 2, path_with_namespace: "a/b/c/d", container_expiration_policy: { ...POLICY, enabled: false } },
  { id: 3, path_with_namespace: "group/never", hasImages: false },
  { id: 4, path_with_namespace: "group/none", container_expiration_policy: null },
  { id: 5, path_with_namespace: "group/old", archived: true },
  { id: 6, path_with_namespace: "group/off", container_registry_access_level: "disabled" },
];
