import { readEnvFrom } from "../../config/env-from.ts";
import type { StorageSettings } from "../../config/settings.ts";

/** Where a way out leads through one; names are taken in capitals or not. */
const PROXY_VARIABLES = new Set(["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]);

/**
 * Takes over what the service's environment says of the way to a bucket: its proxies and, where the configuration has no
 * keys, what the SDK reads of AWS (keys, profile, role, files), since that is where the registry itself finds them.
 *
 * @param sources - `--env-from`
 * @throws {ConfigError} if one cannot be read
 */
export async function takeStoreEnvironment(
  storage: StorageSettings,
  sources: readonly string[],
  cwd: string,
): Promise<void> {
  if (!("credentials" in storage) || sources.length === 0) return;
  const theirs = await readEnvFrom(sources, {}, { cwd });
  for (const [name, value] of Object.entries(theirs)) {
    const isOfAws = name.startsWith("AWS_") && storage.credentials === undefined;
    const isWanted = isOfAws || PROXY_VARIABLES.has(name.toUpperCase());
    if (isWanted && value !== undefined) process.env[name] = value;
  }
}
