import { UsageError } from "../../errors.ts";
import type { Credentials } from "./credentials.ts";

/** What a file as `docker login` writes it knows of one registry. */
export interface DockerConfigEntry {
  /** What the file itself holds; undefined if nothing. */
  held: Credentials | undefined;
  /** It says something of the registry, of use or not. */
  isNamed: boolean;
  /** The program that keeps what the file does not hold, without `docker-credential-`. */
  helper: string | undefined;
}

/**
 * Reads a file as `docker login` writes it: `{"auths": {"host": {"auth": base64 of user:password}}}`, with the programs named by
 * `credHelpers` for one registry and by `credsStore` for all.
 *
 * @param file - its name, for errors
 * @param host - with port, as in the address
 * @throws {UsageError} if it is no JSON; without anything of what it holds
 * @see https://docs.docker.com/reference/cli/docker/login/#credential-stores
 */
export function readDockerConfig(
  text: string,
  { file, host }: { file: string; host: string },
): DockerConfigEntry {
  const config = fieldsOf(parse(text, file));
  const entry = findHost(fieldsOf(config["auths"]), host);
  const helper = findHost(fieldsOf(config["credHelpers"]), host) ?? config["credsStore"];
  return {
    held: credentialsIn(fieldsOf(entry)),
    isNamed: entry !== undefined,
    helper: typeof helper === "string" && helper !== "" ? helper : undefined,
  };
}

function credentialsIn(entry: Readonly<Record<string, unknown>>): Credentials | undefined {
  const { auth, username, password, registrytoken, identitytoken } = entry;
  if (typeof registrytoken === "string" && registrytoken !== "")
    return { kind: "bearer", token: registrytoken };
  if (typeof identitytoken === "string" && identitytoken !== "")
    return { kind: "identity", token: identitytoken };
  if (typeof username === "string" && typeof password === "string" && username !== "") {
    return { kind: "basic", user: username, password };
  }
  const [, user = "", secret] = /^([^:]*):([\s\S]*)$/.exec(decode(auth)) ?? [];
  return user !== "" && secret !== undefined ? { kind: "basic", user, password: secret } : undefined;
}

/** Names of hosts come with or without scheme and path; the plain one counts before others. */
function findHost(named: Readonly<Record<string, unknown>>, host: string): unknown {
  if (Object.hasOwn(named, host)) return named[host];
  return Object.entries(named).find(([name]) => hostOf(name) === host)?.[1];
}

function hostOf(name: string): string {
  return name.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
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

function decode(text: unknown): string {
  return typeof text === "string" ? Buffer.from(text, "base64").toString("utf8") : "";
}
