import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { errorCodeOf, fileProblemOf } from "../../lib/system-error.ts";
import { askCredentialHelper } from "./credential-helper.ts";
import {
  type CredentialVariables,
  credentialsOfEnvironment,
  credentialsOfJob,
} from "./credential-variables.ts";
import type { Credentials } from "./credentials.ts";
import { type DockerConfigEntry, readDockerConfig } from "./docker-config.ts";

/** Where credentials are looked for. */
export interface CredentialPlaces {
  /** Of the registry; credentials for others are passed over. */
  address: URL;
  /** `--auth-file`: then nothing else counts. */
  authFile: string | undefined;
  variables: CredentialVariables;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  signal?: AbortSignal | undefined;
}

/** Credentials, and where they are from. */
export interface FoundCredentials {
  credentials: Credentials;
  /** For people. */
  source: string;
}

/**
 * Looks for credentials: in the file that was named, in the variables, in those of a GitLab job whose registry it is, and in what
 * `docker login` has left, with its helper programs. The first place that has any counts.
 *
 * @returns undefined if there are none: the registry is asked without
 * @throws {UsageError} if a file or program is of no use, or the named file has none; without anything of what they hold
 * @throws {CancelledError}
 */
export async function findCredentials(places: CredentialPlaces): Promise<FoundCredentials | undefined> {
  const { address, authFile, variables, env, cwd } = places;
  if (authFile !== undefined) {
    const credentials = await credentialsOfNamedFile(authFile, places);
    return { credentials, source: authFile };
  }
  const own = credentialsOfEnvironment(env, variables);
  if (own) return { credentials: own, source: own.kind === "bearer" ? variables.token : variables.user };
  const job = credentialsOfJob(env, address);
  if (job) return { credentials: job, source: "the variables of the GitLab job" };
  const file = dockerConfigPath(env, cwd);
  if (file === undefined) return undefined;
  // Nobody has named it: one that belongs to somebody else is passed over as one that is not there.
  const text = await readIfThere(file, { passOver: ["EACCES", "EPERM"] });
  if (text === undefined) return undefined;
  const credentials = await credentialsOfEntry(readDockerConfig(text, { file, host: address.host }), places);
  return credentials && { credentials, source: file };
}

async function credentialsOfNamedFile(authFile: string, places: CredentialPlaces): Promise<Credentials> {
  const { host } = places.address;
  const text = await readIfThere(resolve(places.cwd, authFile), { shownAs: `--auth-file ${authFile}` });
  if (text === undefined) throw new UsageError(`--auth-file ${authFile}: there is no such file`);
  const entry = readDockerConfig(text, { file: authFile, host });
  const credentials = await credentialsOfEntry(entry, places);
  if (credentials) return credentials;
  if (!entry.isNamed)
    throw new UsageError(`${authFile} has no credentials for ${host}`, {
      hint: `run docker login ${host} with it`,
    });
  throw new UsageError(`what ${authFile} says of ${host} holds neither user and password nor a token`);
}

async function credentialsOfEntry(
  { held, helper }: DockerConfigEntry,
  { address: { host }, env, signal }: CredentialPlaces,
): Promise<Credentials | undefined> {
  if (helper === undefined) return held;
  return (await askCredentialHelper(helper, { host, env, signal })) ?? held;
}

/** @see https://docs.docker.com/reference/cli/docker/#change-the-docker-directory */
function dockerConfigPath(env: CredentialPlaces["env"], cwd: string): string | undefined {
  const { DOCKER_CONFIG: folder, HOME: home } = env;
  if (folder) return join(resolve(cwd, folder), "config.json");
  return home ? join(home, ".docker", "config.json") : undefined;
}

async function readIfThere(
  path: string,
  { shownAs = path, passOver = [] }: { shownAs?: string; passOver?: readonly string[] },
): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (["ENOENT", "ENOTDIR", ...passOver].includes(errorCodeOf(cause))) return undefined;
    throw new UsageError(`${shownAs} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
}
