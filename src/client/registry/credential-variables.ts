import { UsageError } from "../../errors.ts";
import { parseUrl } from "../../lib/parse-url.ts";
import type { Credentials } from "./credentials.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that hold credentials, all with one beginning. */
export interface CredentialVariables {
  user: string;
  password: string;
  token: string;
}

/** For the registry that `--registry` names. */
export const REGISTRY_VARIABLES: CredentialVariables = {
  user: "REGISTRY_CTL_USERNAME",
  password: "REGISTRY_CTL_PASSWORD",
  token: "REGISTRY_CTL_TOKEN",
};

/** For the registry that blobs are fetched from. */
export const FROM_VARIABLES: CredentialVariables = {
  user: "REGISTRY_CTL_FROM_USERNAME",
  password: "REGISTRY_CTL_FROM_PASSWORD",
  token: "REGISTRY_CTL_FROM_TOKEN",
};

/** The user that a job's token belongs to. @see https://docs.gitlab.com/ci/jobs/ci_job_token/ */
const JOB_USER = "gitlab-ci-token";

/**
 * @returns the credentials that the environment holds, if any
 * @throws {UsageError} if there is half of them
 */
export function credentialsOfEnvironment(
  env: Environment,
  { user, password, token }: CredentialVariables,
): Credentials | undefined {
  if (env[token]) return { kind: "bearer", token: env[token] };
  if (!env[user] && !env[password]) return undefined;
  if (!env[user] || !env[password]) {
    throw new UsageError(`${env[user] ? password : user} is not set, and ${env[user] ? user : password} is`);
  }
  return { kind: "basic", user: env[user], password: env[password] };
}

/**
 * What GitLab gives to the jobs of its pipelines, for its own registry and no other.
 *
 * @param address - of the registry that is asked
 * @returns undefined without them, and for any registry but that of `CI_REGISTRY`
 * @see https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export function credentialsOfJob(env: Environment, address: URL): Credentials | undefined {
  const registry = env["CI_REGISTRY"];
  if (!registry || !isHostOf(registry, address)) return undefined;
  const { CI_REGISTRY_USER: user, CI_REGISTRY_PASSWORD: password, CI_JOB_TOKEN: token } = env;
  if (user && password) return { kind: "basic", user, password };
  return token ? { kind: "basic", user: JOB_USER, password: token } : undefined;
}

function isHostOf(registry: string, { host, protocol }: URL): boolean {
  // With the scheme of the address, so that its usual port counts as none.
  return parseUrl(`${protocol}//${registry}`)?.host === host;
}
