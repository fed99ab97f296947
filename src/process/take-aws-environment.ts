import { readEnvFrom } from "../config/env-from.ts";
import type { StorageSettings } from "../config/settings.ts";

/**
 * Takes over what the service's environment says of AWS (keys, profile, role, files), for the SDK to read: where a
 * configuration has no keys, that is where the registry itself finds its credentials.
 *
 * @param sources - `--env-from`
 * @throws {ConfigError} if one cannot be read
 */
export async function takeAwsEnvironment(
  storage: StorageSettings,
  sources: readonly string[],
  cwd: string,
): Promise<void> {
  if (!("credentials" in storage) || storage.credentials !== undefined || sources.length === 0) return;
  const theirs = await readEnvFrom(sources, {}, { cwd });
  for (const [name, value] of Object.entries(theirs)) {
    if (name.startsWith("AWS_") && value !== undefined) process.env[name] = value;
  }
}
