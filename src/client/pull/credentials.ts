import { UsageError } from "../../errors.ts";

/** What a registry is shown. */
export type Credentials =
  | { kind: "basic"; user: string; password: string }
  | { kind: "bearer"; token: string };

/** Variables that hold credentials for the registry that blobs are fetched from. */
export const CREDENTIAL_VARIABLES = {
  user: "REGISTRY_CTL_FROM_USERNAME",
  password: "REGISTRY_CTL_FROM_PASSWORD",
  token: "REGISTRY_CTL_FROM_TOKEN",
} as const;

/**
 * @returns the credentials that the environment holds, if any
 * @throws {UsageError} if there is half of them
 */
export function credentialsOfEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Credentials | undefined {
  const { user, password, token } = CREDENTIAL_VARIABLES;
  if (env[token]) return { kind: "bearer", token: env[token] };
  if (!env[user] && !env[password]) return undefined;
  if (!env[user] || !env[password]) {
    throw new UsageError(`${env[user] ? password : user} is not set, and ${env[user] ? user : password} is`);
  }
  return { kind: "basic", user: env[user], password: env[password] };
}

/**
 * Reads a file as `docker login` writes it: `{"auths": {"host": {"auth": base64 of user:password}}}`.
 *
 * @param file - its name, for errors
 * @param host - with port, as in the address
 * @returns the credentials for that host
 * @throws {UsageError} if it has none, or they are of no use here; without anything of what it holds
 */
export function credentialsOfFile(text: string, { file, host }: { file: string; host: string }): Credentials {
  const auths = fieldsOf(fieldsOf(parse(text, file))["auths"]);
  const found = Object.entries(auths).find(([name]) => hostOf(name) === host);
  if (found === undefined) {
    throw new UsageError(`${file} has no credentials for ${host}`, {
      hint: `run docker login ${host} with it`,
    });
  }
  const entry = fieldsOf(found[1]);
  const { auth, username, password, registrytoken } = entry;
  if (typeof registrytoken === "string" && registrytoken !== "")
    return { kind: "bearer", token: registrytoken };
  if (typeof username === "string" && typeof password === "string" && username !== "") {
    return { kind: "basic", user: username, password };
  }
  const [, user = "", secret] = /^([^:]*):([\s\S]*)$/.exec(decode(auth)) ?? [];
  if (user !== "" && secret !== undefined) return { kind: "basic", user, password: secret };
  throw new UsageError(`what ${file} says of ${host} holds neither user and password nor a token`, {
    hint: "credential helpers and identity tokens are not supported: set the environment variables",
  });
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message would show a part of the file.
    throw new UsageError(`${file} is no JSON`, { hint: "use the form that docker login writes" });
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** Names of hosts come with or without scheme and path. */
function hostOf(name: string): string {
  return name.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function decode(text: unknown): string {
  return typeof text === "string" ? Buffer.from(text, "base64").toString("utf8") : "";
}
