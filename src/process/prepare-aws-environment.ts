import { readEnvFrom } from "../config/env-from.ts";
import type { StorageSettings } from "../config/settings.ts";

/** With this the SDK does not say on stderr, at each start, which versions of Node its later releases will want. */
const NO_VERSION_WARNING = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED";

/**
 * Makes this process's environment, which the SDK reads, ready for a bucket; of another store nothing is changed. What the
 * service's environment says of AWS (keys, profile, role, files) is taken over: where a configuration has no keys, that is where
 * the registry itself finds its credentials.
 *
 * @param sources - `--env-from`
 * @throws {ConfigError} if one cannot be read
 */
export async function prepareAwsEnvironment(
  storage: StorageSettings,
  sources: readonly string[],
  cwd: string,
): Promise<void> {
  if (!("credentials" in storage)) return;
  process.env[NO_VERSION_WARNING] ??= "true";
  if (storage.credentials !== undefined || sources.length === 0) return;
  const theirs = await readEnvFrom(sources, {}, { cwd });
  for (const [name, value] of Object.entries(theirs)) {
    if (name.startsWith("AWS_") && value !== undefined) process.env[name] = value;
  }
}
