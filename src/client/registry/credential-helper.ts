import { spawn } from "node:child_process";
import { CancelledError, UsageError } from "../../errors.ts";
import { errorCodeOf } from "../../lib/system-error.ts";
import type { Credentials } from "./credentials.ts";

/** A helper that asks somebody for a password has this long. */
const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** What stands in the place of a user for an identity token. */
const IDENTITY_USER = "<token>";
/** @see https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go */
const NOT_FOUND = "credentials not found in native keychain";

/** How a helper is run. */
export interface CredentialHelperOptions {
  /** With port, as in the address. */
  host: string;
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal | undefined;
  /** For tests. */
  timeoutMs?: number;
}

/**
 * Asks the program `docker-credential-NAME` of the search path for what it keeps for a registry. What it writes is never shown: it may be a
 * secret.
 *
 * @param name - as `credHelpers` or `credsStore` names it
 * @returns undefined if it has nothing for that registry
 * @throws {UsageError} if it is not there, fails, takes too long or answers what nobody can use
 * @throws {CancelledError}
 * @see https://github.com/docker/docker-credential-helpers#development
 */
export async function askCredentialHelper(
  name: string,
  options: CredentialHelperOptions,
): Promise<Credentials | undefined> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new UsageError("the docker configuration names a credential helper that is no name of a program");
  }
  const program = `docker-credential-${name}`;
  const { exitCode, output } = await run(program, options);
  if (exitCode !== 0) {
    if (output.trim() === NOT_FOUND) return undefined;
    throw new UsageError(
      `${program} failed for ${options.host} with exit code ${exitCode ?? "of a signal"}`,
      {
        hint: `see what it says: echo ${options.host} | ${program} get`,
      },
    );
  }
  const credentials = readOutput(output);
  if (credentials === undefined)
    throw new UsageError(`${program} gives neither user and password nor a token for ${options.host}`);
  return credentials;
}

function readOutput(output: string): Credentials | undefined {
  let json: unknown;
  try {
    json = JSON.parse(output);
  } catch {
    return undefined;
  }
  const fields: Record<string, unknown> = typeof json === "object" && json !== null ? { ...json } : {};
  const { Username: user, Secret: secret } = fields;
  if (typeof user !== "string" || typeof secret !== "string" || user === "" || secret === "")
    return undefined;
  return user === IDENTITY_USER
    ? { kind: "identity", token: secret }
    : { kind: "basic", user, password: secret };
}

function run(
  program: string,
  { host, env, signal, timeoutMs = TIMEOUT_MS }: CredentialHelperOptions,
): Promise<{ exitCode: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["get"], { env: { ...env }, stdio: ["pipe", "pipe", "ignore"] });
    const chunks: Buffer[] = [];
    let length = 0;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      child.kill("SIGKILL");
      // Programs that it has started may hold the pipe open.
      child.stdout.destroy();
      reject(error);
    };
    const cancel = (): void => fail(new CancelledError());
    const timer = setTimeout(
      () => fail(new UsageError(`${program} says nothing within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    child.on("error", (cause) => {
      const isMissing = errorCodeOf(cause) === "ENOENT";
      const problem = isMissing ? "is not in the search path" : `cannot be run: ${errorCodeOf(cause)}`;
      fail(new UsageError(`${program}, which the docker configuration names, ${problem}`, { cause }));
    });
    child.stdout.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_OUTPUT_BYTES) fail(new UsageError(`${program} writes without end`));
      else chunks.push(chunk);
    });
    child.on("close", (exitCode) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      resolve({ exitCode, output: Buffer.concat(chunks).toString("utf8") });
    });
    // It may end without reading what it is asked.
    child.stdin.on("error", () => undefined);
    child.stdin.end(host);
  });
}
